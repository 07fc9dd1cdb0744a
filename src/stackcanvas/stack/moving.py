"""Moving a stack: its records and bytes to other addresses, verified, and only then the canvas that names them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from stackcanvas.backends.database import Database, open_database
from stackcanvas.backends.database.sqlite import sqlite_url
from stackcanvas.backends.database.transfer import CopiedTable, copy_tables, digest_of, holds_rows
from stackcanvas.backends.objects import CopiedObjects, copy_objects, open_objects
from stackcanvas.canvas import load, loads
from stackcanvas.canvas.edit import Change, answer, apply, write
from stackcanvas.errors import Conflict, Refused, Usage
from stackcanvas.metadata.migrate import is_empty, prepare
from stackcanvas.stack import tables
from stackcanvas.stack.planning import follow
from stackcanvas.stack.root import CANVAS, FOLDER, LOCAL, find_root
from stackcanvas.stack.running import processes
from stackcanvas.stack.settings import Settings, settings_of
from stackcanvas.stack.workspaces import Workspaces

DATABASE = "metadata.store.url"
OBJECTS = "data.storage.objects"
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did.

    Args:
        database: the new address, any password masked; None where the records stayed.
        objects: the new address; None where the bytes stayed.
        tables: that were copied and read back.
        copied: the objects that were copied and read back.
        left: the file of the old embedded database, which is kept.
        workspaces: the names of those that moved with the project.
    """

    database: str | None
    objects: str | None
    tables: tuple[CopiedTable, ...]
    copied: CopiedObjects | None
    left: Path | None
    workspaces: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


def move(
    path: str | Path | None = None,
    *,
    database: str | None = None,
    objects: str | None = None,
    environment: str | None = None,
    environ: Mapping[str, str] | None = None,
    advance: Advance = lambda _: None,
) -> Moved:
    """Copy the records and the bytes of a project to other addresses, compare them, and name these in the canvas.

    Its workspaces go with it.

    Killed at any moment, the project works as before, and the same call goes on where it stopped. The old embedded
    database is kept as `metadata.db.moved`; old objects are left where they are.

    Args:
        path: the project's folder or one inside it; the current folder by default.
        database: the new address of the records, as the canvas will hold it: secrets as `${NAME}`.
        objects: the new address of the bytes.
        environment: change the addresses of this environment only; `STACKCANVAS_ENVIRONMENT` by default.
        environ: where `${NAME}` is looked up; the process's own by default.
        advance: told how many rows and bytes more are done.

    Raises:
        Usage: nothing is to be moved.
        BadInput: an address cannot be one.
        Refused: a process of the project runs.
        Conflict: the new database holds other records.
        Corrupt: a copy reads otherwise than it was written.
    """
    known = os.environ if environ is None else environ
    chosen = environment or known.get("STACKCANVAS_ENVIRONMENT") or None
    root = find_root(Path.cwd() if path is None else Path(path))
    text = (root / CANVAS).read_text(encoding="utf-8")
    given = {DATABASE: database, OBJECTS: objects}
    changes = [answer(question, url, environment=chosen) for question, url in given.items() if url is not None]
    before = settings_of(loads(text), root=root, environment=chosen, environ=known)
    after = settings_of(loads(apply(text, changes)), root=root, environment=chosen, environ=known)
    if before.database == after.database and before.objects == after.objects:
        raise Usage(
            "the records and the bytes lie there already", fix="Name another address: --to URL or --objects URL"
        )
    refuse_running(root / FOLDER)
    done = _move(root, before, after, changes, advance)
    # What the changed addresses ask for is done: `up` need not refuse them.
    follow(root / FOLDER, changes)
    return done


def refuse_running(folder: Path) -> None:
    """Refuse to change the ground under processes that run.

    Raises:
        Refused: one does.
    """
    running = processes(folder)
    if running:
        names = ", ".join(f"{one.name} (process {one.pid})" for one in running)
        raise Refused(f"the stack runs: {names}", where=str(folder), fix="Stop it first: press Ctrl+C where it runs")


def _move(root: Path, before: Settings, after: Settings, changes: list[Change], advance: Advance) -> Moved:
    copied: CopiedObjects | None = None
    done: tuple[CopiedTable, ...] = ()
    left: Path | None = None
    with ExitStack() as kept:
        source = _opened(before.database, kept)
        target = _opened(after.database, kept) if after.database != before.database else None
        prepare(source, tables.load, exact=True)
        if target is not None and is_empty(target):
            prepare(target, tables.load)
        canvas = load(root / CANVAS)
        old = Workspaces.over(root, canvas, before, source)
        names = old.names()
        # Nobody writes from here on: what is copied is all there is.
        held = kept.enter_context(source.write())
        for name in names:
            _move_workspace(name, old, Workspaces.over(root, canvas, after, target or source), kept, advance)
        if after.objects != before.objects:
            copied = copy_objects(open_objects(before.objects), open_objects(after.objects), advance=advance)
        if target is not None:
            done = fill(held, target, advance=advance)
        write(root / CANVAS, changes)
    if target is not None:
        left = _set_aside(root / FOLDER / LOCAL, before.database)
        for name in names:
            if old.are_files and after.database.startswith("postgresql"):
                _set_aside(old.folder(name) / LOCAL, sqlite_url(old.folder(name) / LOCAL))
    moved_objects = after.objects if copied else None
    return Moved(target.url if target else None, moved_objects, done, copied, left, tuple(names))


def _opened(url: str, kept: ExitStack) -> Database:
    database = open_database(url)
    kept.callback(database.close)
    return database


def _move_workspace(name: str, old: Workspaces, new: Workspaces, kept: ExitStack, advance: Advance) -> None:
    """Copy a workspace, which nobody writes to until the whole move is over."""
    source, target = (one.settings(name, load(one.folder(name) / CANVAS)) for one in (old, new))
    # Over connections of its own: so many are held at once as there are workspaces.
    database = _opened(source.database, kept)
    prepare(database, tables.load, exact=True)
    held = kept.enter_context(database.write())
    if target.objects != source.objects:
        copy_objects(open_objects(source.objects), open_objects(target.objects), advance=advance)
    if target.database != source.database:
        fresh = new.database(name, make=True)
        kept.callback(fresh.close)
        fill(held, fresh, advance=advance)


def fill(held: Connection, target: Database, *, advance: Advance) -> tuple[CopiedTable, ...]:
    """Put the records of one database into another, in one transaction; those that are there already are compared.

    Args:
        held: a connection to the source that sees one moment.

    Raises:
        Conflict: the target holds other records.
    """
    schema = tables.load()
    if is_empty(target):
        prepare(target, tables.load)
    with target.reshape() as tx:
        ordered = schema.sorted_tables
        if not holds_rows(tx, ordered):
            return tuple(copy_tables(held, tx, target, ordered, advance=advance))
        found = tuple(digest_of(tx, table) for table in ordered)
        if found != tuple(digest_of(held, table) for table in ordered):
            raise occupied(target)
        return found


def occupied(target: Database) -> Conflict:
    """That a database is not free to be filled."""
    return Conflict(
        "the database holds other records already",
        where=target.url,
        expected="an empty one",
        fix="Name another database, file, or schema with ?schema=NAME",
    )


def _set_aside(local: Path, url: str) -> Path | None:
    """Keep the old embedded file under another name, so that nothing writes to it by mistake."""
    if url != sqlite_url(local):
        return None
    aside = local.with_name(f"{local.name}.moved")
    local.replace(aside)
    for extra in ("-wal", "-shm"):
        local.with_name(local.name + extra).unlink(missing_ok=True)
    return aside
