"""Bringing the database of a project to this release on purpose, which opening it does for the embedded one only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.backends.database import open_database
from stackcanvas.canvas import load
from stackcanvas.metadata import migrate as migrations
from stackcanvas.stack.root import CANVAS, find_root
from stackcanvas.stack.settings import settings_of
from stackcanvas.stack.workspaces import Workspaces


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did.

    Args:
        url: the database, any password masked.
        before: its version until now.
        after: its version from now on; the same when there was nothing to do.
        known: the version of this release; the database may have a newer one, with which it works.
        workspaces: how many of the project's workspaces were migrated, too.
    """

    url: str
    before: str
    after: str
    known: str
    workspaces: int = 0


def migrate(
    path: str | Path | None = None, *, environment: str | None = None, environ: Mapping[str, str] | None = None
) -> Migrated:
    """Migrate the database that the project's canvas names, and those of its workspaces.

    Args:
        path: the project's folder or one inside it; the current folder by default.
        environment: the entry of `environments` in the canvas to apply; `STACKCANVAS_ENVIRONMENT` by default.
        environ: where `${NAME}` in the canvas is looked up; the process's own by default.

    Raises:
        Conflict: there is no workspace yet.
        Refused: a newer stackcanvas wrote it, and this one cannot work with it.
    """
    known = os.environ if environ is None else environ
    root = find_root(Path.cwd() if path is None else Path(path))
    chosen = environment or known.get("STACKCANVAS_ENVIRONMENT") or None
    canvas = load(root / CANVAS)
    settings = settings_of(canvas, root=root, environment=chosen, environ=known)
    database = open_database(settings.database)
    try:
        before, after = migrations.migrate(database)
        count = _workspaces(Workspaces.over(root, canvas, settings, database))
    finally:
        database.close()
    return Migrated(database.url, before, after, migrations.HISTORY.version, count)


def _workspaces(workspaces: Workspaces) -> int:
    done = 0
    for name in workspaces.names():
        database = workspaces.database(name)
        try:
            before, after = migrations.migrate(database)
            done += before != after
        finally:
            database.close()
    return done
