"""Backup and restore: everything of a stack at one moment in a folder, and from there into an empty stack.

A backup is `manifest.json`, `canvas.yaml`, `metadata.db` (SQLite, whatever the stack's own database is), and the
folders `objects/`, `predictions/` and `online/`; each workspace is such a backup under `workspaces/`. The manifest is
written last: a folder without one is no backup.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import blake3

from stackcanvas.backends.database import Database, open_database
from stackcanvas.backends.database.sqlite import sqlite_url
from stackcanvas.backends.database.transfer import CopiedTable, copy_tables, holds_rows
from stackcanvas.backends.files import make_folder, unavailable
from stackcanvas.backends.objects import CopiedObjects, copy_objects, fingerprint_of, open_objects
from stackcanvas.canvas import load
from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import BadInput, Conflict, Refused, Unavailable
from stackcanvas.metadata.migrate import is_empty, prepare
from stackcanvas.stack import tables
from stackcanvas.stack.moving import Advance, fill, occupied, refuse_running
from stackcanvas.stack.root import CANVAS, FOLDER, LOCAL, WORKSPACES, find_root
from stackcanvas.stack.settings import Settings, settings_of
from stackcanvas.stack.workspaces import Workspaces, check_name

MANIFEST = "manifest.json"
_OBJECTS, _PREDICTIONS, _ONLINE = "objects", "predictions", "online"
_NOTHING = (0, blake3.blake3().hexdigest())


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Args:
        project: its name.
        time: the moment whose records it holds.
        stackcanvas: the release that wrote it.
        tables: rows and digests.
        database: BLAKE3 of `metadata.db`.
        objects: the bytes.
        predictions: the files of the prediction log.
        workspaces: the names of the project's workspaces, each as of a moment of its own.
    """

    project: str
    time: datetime
    stackcanvas: str
    tables: tuple[CopiedTable, ...]
    database: str
    objects: CopiedObjects
    predictions: CopiedObjects
    workspaces: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


_MOST_GONE = 0.5


def backup(
    target: Path,
    path: str | Path | None = None,
    *,
    environment: str | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    advance: Advance = lambda _: None,
) -> Backup:
    """Copy everything that a project's stack holds into a folder, as it stands at one moment; then its workspaces.

    The stack may run meanwhile. Into the folder of an earlier backup only what changed is copied. Every copy is read
    back.

    Args:
        target: the folder; made when it is missing.
        path: the project's folder or one inside it; the current folder by default.
        environment: the entry of `environments` in the canvas to apply; `STACKCANVAS_ENVIRONMENT` by default.
        environ: where `${NAME}` in the canvas is looked up; the process's own by default.
        clock: what time it is.
        advance: told how many rows and bytes more are done.

    Raises:
        Conflict: the folder holds something else.
        Refused: most of what an earlier backup there holds is gone from the stack.
        Unavailable: it cannot be written; without its manifest it is no backup.
    """
    root, settings = _project(path, environment, environ)
    if target.resolve().is_relative_to((root / FOLDER).resolve()):
        raise Refused(
            "a backup cannot lie in the state that it saves", where=str(target), fix="Name a folder of another disk"
        )
    now = (clock or SystemClock()).now()
    _claim(target)
    with _workspaces(root, settings) as found:
        names = tuple(found.names())
        for name in names:
            within = target / WORKSPACES / name
            _claim(within)
            folder = found.folder(name)
            own = found.settings(name, load(folder / CANVAS))
            _backup(within, own, folder, folder / CANVAS, now=now, advance=advance)
    return _backup(target, settings, root / FOLDER, root / CANVAS, now=now, advance=advance, names=names)


def _backup(
    target: Path,
    settings: Settings,
    folder: Path,
    canvas: Path,
    *,
    now: datetime,
    advance: Advance,
    names: tuple[str, ...] = (),
) -> Backup:
    try:
        done, digest = _backup_database(settings, target / LOCAL, advance)
        stored = _mirror(settings.objects, target / _OBJECTS, advance)
        logged = _mirror(folder / _PREDICTIONS, target / _PREDICTIONS, advance)
        _copy_online(folder / _ONLINE, target / _ONLINE)
        shutil.copyfile(canvas, target / CANVAS)
        name = load(canvas).project.name
        made = Backup(name, now, version("stackcanvas"), done, digest, stored, logged, names)
        _write_manifest(target, made)
    except OSError as error:
        raise unavailable(error, target) from error
    return made


@contextmanager
def _workspaces(root: Path, settings: Settings) -> Iterator[Workspaces]:
    """The workspaces of a project, over its database as it is now."""
    database = open_database(settings.database)
    try:
        prepare(database, tables.load, exact=True)
        yield Workspaces.over(root, load(root / CANVAS), settings, database)
    finally:
        database.close()


class Broken(BadInput):
    """What was given is no backup, or not the one that was written."""


def read_backup(source: Path) -> Backup:
    """The manifest of a backup.

    Raises:
        Broken: the folder is no whole backup.
    """
    try:
        told: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        return Backup(
            project=told["project"],
            time=datetime.fromisoformat(told["time"]),
            stackcanvas=told["stackcanvas"],
            tables=tuple(CopiedTable(**table) for table in told["tables"]),
            database=told["database"],
            objects=CopiedObjects(**told["objects"]),
            predictions=CopiedObjects(**told["predictions"]),
            workspaces=tuple(told.get("workspaces", ())),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Broken(
            "this is no whole backup",
            where=str(source),
            expected=f"a folder with {MANIFEST}, which is written last",
            fix="Make it again: stackcanvas backup FOLDER",
        ) from error


def restore(
    source: Path,
    path: str | Path | None = None,
    *,
    environment: str | None = None,
    environ: Mapping[str, str] | None = None,
    advance: Advance = lambda _: None,
) -> Backup:
    """Put a backup into a project whose stack is empty, verified against its manifest.

    The records enter last and in one transaction: killed at any moment the stack is empty still, and the same call goes
    on. The addresses are those of the project's canvas, so a backup of a file may be restored into PostgreSQL.

    Args:
        source: the folder of the backup.
        path: the project's folder; gets the canvas of the backup when it has none.
        environment: the entry of `environments` in the canvas to apply; `STACKCANVAS_ENVIRONMENT` by default.
        environ: where `${NAME}` in the canvas is looked up; the process's own by default.
        advance: told how many rows and bytes more are done.

    Raises:
        Broken: the backup is not whole, or not what its manifest says; nothing is changed.
        Conflict: the stack holds records already.
        Refused: a process of the project runs, or a newer release wrote the backup.
    """
    told = read_backup(source)
    for within in (source, *(source / WORKSPACES / check_name(name) for name in told.workspaces)):
        _verify(within, read_backup(within))
    place = Path.cwd() if path is None else Path(path)
    if not (place / CANVAS).exists():
        make_folder(place)
        shutil.copyfile(source / CANVAS, place / CANVAS)
    root, settings = _project(place, environment, environ)
    refuse_running(root / FOLDER)
    make_folder(root / FOLDER)
    target = open_database(settings.database)
    try:
        _refuse_occupied(target)
        if told.workspaces:
            _restore_workspaces(source, told, Workspaces.over(root, load(root / CANVAS), settings, target), advance)
        _restore(source, settings, root / FOLDER, target, advance=advance)
    finally:
        target.close()
    return told


def _restore(source: Path, settings: Settings, folder: Path, target: Database, *, advance: Advance) -> None:
    """Bytes first, records last."""
    try:
        copy_objects(open_objects(source / _OBJECTS), open_objects(settings.objects), advance=advance)
        copy_objects(open_objects(source / _PREDICTIONS), open_objects(folder / _PREDICTIONS), advance=advance)
        _copy_online(source / _ONLINE, folder / _ONLINE)
        _restore_database(source, target, advance)
    except OSError as error:
        raise unavailable(error, folder) from error


def _restore_workspaces(source: Path, told: Backup, workspaces: Workspaces, advance: Advance) -> None:
    """Before the project itself, whose records say that all is there; one that is there already is compared."""
    for name in told.workspaces:
        within = source / WORKSPACES / name
        folder = workspaces.folder(name)
        make_folder(folder)
        if not (folder / CANVAS).exists():
            shutil.copyfile(within / CANVAS, folder / CANVAS)
        settings = workspaces.settings(name, load(folder / CANVAS))
        target = workspaces.database(name, make=True)
        try:
            _restore(within, settings, folder, target, advance=advance)
        finally:
            target.close()


def _project(
    path: str | Path | None, environment: str | None, environ: Mapping[str, str] | None
) -> tuple[Path, Settings]:
    known = os.environ if environ is None else environ
    chosen = environment or known.get("STACKCANVAS_ENVIRONMENT") or None
    root = find_root(Path.cwd() if path is None else Path(path))
    return root, settings_of(load(root / CANVAS), root=root, environment=chosen, environ=known)


def _claim(target: Path) -> None:
    """Begin a backup: from here to its end the folder is none."""
    make_folder(target)
    others = [one.name for one in target.iterdir()]
    if others and not any(name in {MANIFEST, LOCAL, f"{LOCAL}.draft"} for name in others):
        raise Conflict(
            f"the folder holds something else ({', '.join(sorted(others)[:3])})",
            where=str(target),
            expected="an empty folder, or one of an earlier backup",
        )
    try:
        (target / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise unavailable(error, target) from error


def _backup_database(settings: Settings, file: Path, advance: Advance) -> tuple[tuple[CopiedTable, ...], str]:
    draft = file.with_name(f"{file.name}.draft")
    for extra in ("", "-wal", "-shm"):
        draft.with_name(draft.name + extra).unlink(missing_ok=True)
    source = open_database(settings.database)
    target = open_database(sqlite_url(draft))
    try:
        prepare(source, tables.load, exact=True)
        prepare(target, tables.load)
        with source.read() as held, target.reshape() as tx:
            done = copy_tables(held, tx, target, tables.load().sorted_tables, advance=advance)
    finally:
        source.close()
        target.close()
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    draft.replace(file)
    return tuple(done), _digest(file)


def _refuse_occupied(target: Database) -> None:
    if is_empty(target):
        return
    prepare(target, tables.load)
    with target.read() as connection:
        if holds_rows(connection, tables.load().sorted_tables):
            raise occupied(target)


def _restore_database(source: Path, target: Database, advance: Advance) -> None:
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as scratch:
        # A copy, because a backup by an older release is migrated before it is read.
        copied = Path(scratch) / LOCAL
        shutil.copyfile(source / LOCAL, copied)
        held = open_database(sqlite_url(copied))
        try:
            prepare(held, tables.load, exact=True)
            with held.read() as connection:
                fill(connection, target, advance=advance)
        finally:
            held.close()


def _mirror(source: str | Path, target: Path, advance: Advance) -> CopiedObjects:
    make_folder(target)
    if isinstance(source, Path):
        make_folder(source)
    stored, saved = open_objects(source), open_objects(target)
    before = {info.key for info in saved.list()}
    gone = before - {info.key for info in stored.list()}
    if len(gone) > len(before) * _MOST_GONE:
        # What was lost in the stack must not be lost in its backup too.
        raise Refused(
            f"{len(gone):,} of the {len(before):,} files of the earlier backup are gone from the stack",
            where=str(source),
            fix="See whether it is whole: stackcanvas data verify. If it is, make the backup in a new folder",
        )
    # Those of workspaces, which may lie below the project's, are part of their own backups.
    return copy_objects(stored, saved, mirror=True, without=f"{WORKSPACES}/", advance=advance)


def _copy_online(source: Path, target: Path) -> None:
    """The embedded online stores, each as of one moment."""
    for file in sorted(source.glob("*.db")) if source.is_dir() else ():
        make_folder(target)
        fresh = target / f"{file.name}.draft"
        fresh.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("VACUUM INTO ?", (str(fresh),))
        except sqlite3.Error as error:
            raise Unavailable(f"the online store cannot be copied ({error})", where=str(file)) from error
        fresh.replace(target / file.name)


def _write_manifest(target: Path, made: Backup) -> None:
    told = {"format": 1, **asdict(made), "time": made.time.isoformat()}
    draft = target / f"{MANIFEST}.draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target / MANIFEST)


def _verify(source: Path, told: Backup) -> None:
    """Read every byte of a backup, before any of it is used."""
    try:
        found = _digest(source / LOCAL)
    except OSError as error:
        raise Broken("the records are missing from the backup", where=str(source / LOCAL)) from error
    if found != told.database:
        raise Broken("the records of the backup are not those that were written", where=str(source / LOCAL))
    for what, written in ((_OBJECTS, told.objects), (_PREDICTIONS, told.predictions)):
        held = source / what
        count, digest = fingerprint_of(open_objects(held)) if held.is_dir() else _NOTHING
        if (count, digest) != (written.objects, written.digest):
            raise Broken(
                f"the {what} of the backup are not those that were written",
                where=str(held),
                expected=f"{written.objects} of digest {written.digest[:12]}, not {count} of {digest[:12]}",
            )


def _digest(file: Path) -> str:
    return blake3.blake3().update_mmap(file).hexdigest() if file.stat().st_size else blake3.blake3().hexdigest()
