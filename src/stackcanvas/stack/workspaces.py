"""The workspaces of a project: each one database and one prefix of objects, apart from each other and the project.

What a workspace keeps in files lies in `.stackcanvas/workspaces/NAME/`, which is its root as well: a `canvas.yaml`
there is its canvas. Its records are a SQLite file there, or a schema beside the project's own on PostgreSQL.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stackcanvas.backends.database import Database, Schemas, open_database
from stackcanvas.backends.database.sqlite import sqlite_url
from stackcanvas.backends.files import make_folder, sync_folder, unavailable
from stackcanvas.backends.objects import open_objects
from stackcanvas.canvas import Canvas, load, loads
from stackcanvas.clock import SystemClock
from stackcanvas.errors import BadInput, Conflict, NotFound, Refused
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Ref, Spine
from stackcanvas.metadata.migrate import STAMP, prepare
from stackcanvas.stack import tables
from stackcanvas.stack.root import CANVAS, FOLDER, LOCAL, WORKSPACES
from stackcanvas.stack.settings import Settings, settings_of
from stackcanvas.stack.stack import Stack

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_EXPECTED = "small letters, digits and . _ -, the first a letter or a digit, 50 at most"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace as people see it.

    Args:
        name: as in `/w/NAME`.
        database: where its records are, any password masked.
        folder: where its files are, and its `canvas.yaml`.
    """

    name: str
    database: str
    folder: str


def check_name(name: str) -> str:
    """The name itself, when it can be one of a workspace.

    Raises:
        BadInput: it cannot.

    Example:
        >>> check_name("churn-2")
        'churn-2'
    """
    if not _NAME.fullmatch(name):
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise BadInput(f"{shown!r} cannot name a workspace", expected=_EXPECTED)
    return name


class Workspaces:
    """Makes, opens, lists and removes the workspaces of a project.

    Args:
        stack: the project's own.

    Attributes:
        removals: how many were removed through this object, so that a server sees when to look again.

    Raises:
        Refused: the stack is one of a workspace itself.
    """

    def __init__(self, stack: Stack) -> None:
        if stack.workspace is not None:
            raise Refused(
                f"the workspace {stack.workspace} holds no workspaces", fix="Ask the stack of the project itself"
            )
        self._stack = stack
        self._folder = stack.folder / WORKSPACES
        database = stack.spine.database
        self._schemas: Schemas | None = database if isinstance(database, Schemas) else None
        self.removals = 0

    @classmethod
    def over(cls, root: Path, canvas: Canvas, settings: Settings, database: Database) -> Workspaces:
        """The workspaces of a project whose stack is not open, for what works on all of its records as they lie."""
        clock = SystemClock()
        spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor(getpass.getuser()))
        folder = root / FOLDER
        return cls(Stack(root=root, folder=folder, canvas=canvas, environment=None, settings=settings, spine=spine))

    @property
    def project(self) -> str:
        """The project's own name, by which `/w/NAME` is the project itself."""
        return self._stack.canvas.project.name

    def folder(self, name: str) -> Path:
        """Where the files of a workspace are."""
        return self._folder / check_name(name)

    def has(self, name: str) -> bool:
        """Whether there is a workspace of this name."""
        if self._schemas is None:
            return (self.folder(name) / LOCAL).is_file()
        return self._schemas.number(self._schema(name), STAMP) is not None

    def ls(self) -> list[Workspace]:
        """All workspaces by name."""
        return [Workspace(name, self._shown(name), str(self._folder / name)) for name in self.names()]

    def add(self, name: str) -> Workspace:
        """Make a workspace.

        Raises:
            BadInput: the name cannot be one.
            Conflict: there is one of this name, or the project itself has it.
        """
        if check_name(name) == self.project:
            raise Conflict(f"{name} is the project itself", fix="Choose another name")
        if self.has(name) or not self.make(name):
            raise Conflict(f"there is a workspace {name} already", fix="Choose another name")
        return Workspace(name, self._shown(name), str(self.folder(name)))

    def make(self, name: str) -> bool:
        """Make a workspace; False when another was quicker. Killed at any moment there is none, or a whole one."""
        asked = {"name": check_name(name)}
        spine = self._stack.spine
        with spine.record("metadata.workspace", parameters=asked) as work:
            made = self._make(name)
            with spine.write() as tx:
                if made:
                    spine.audit.add(tx, "workspace.made", Ref("execution", work.id), asked)
                work.finish(tx)
        return made

    def open(self, name: str) -> Stack:
        """Open a workspace; without a canvas of its own it has an empty one, which enforces nothing.

        Raises:
            NotFound: there is none of this name.
            BadInput: its canvas says where records or bytes are, which its project does.
        """
        if not self.has(name):
            raise NotFound("workspace", name, fix=f"Make it: stackcanvas workspaces add {name}")
        folder = self.folder(name)
        make_folder(folder / "online")
        canvas = _canvas(folder, name)
        settings = self.settings(name, canvas)
        database = self.database(name)
        prepare(database, tables.load)
        spine: Spine = self._stack.spine.over(database)
        return Stack(
            root=folder, folder=folder, canvas=canvas, environment=None, settings=settings, spine=spine, workspace=name
        )

    def rm(self, name: str) -> Workspace:
        """Remove a workspace with everything in it; killed in between, the same call goes on.

        Raises:
            NotFound: there is none of this name.
        """
        folder = self.folder(name)
        if not (self.has(name) or folder.is_dir()):
            raise NotFound("workspace", name, known=self.names())
        gone = Workspace(name, self._shown(name), str(folder))
        asked = {"name": name, "removed": True}
        spine = self._stack.spine
        with spine.record("metadata.workspace", parameters=asked) as work:
            self._remove(name)
            with spine.write() as tx:
                spine.audit.add(tx, "workspace.removed", Ref("execution", work.id), {"name": name})
                work.finish(tx)
        self.removals += 1
        return gone

    def settings(self, name: str, canvas: Canvas) -> Settings:
        """The addresses of a workspace, which follow from those of its project.

        Raises:
            BadInput: its canvas says otherwise.
        """
        folder, whole = self.folder(name), self._stack.settings
        own = settings_of(canvas, root=folder, environment=None, environ=os.environ)
        usual = settings_of(_empty(name), root=folder, environment=None, environ=os.environ)
        for question in ("database", "objects", "online"):
            if getattr(own, question) != getattr(usual, question):
                raise BadInput(
                    f"the canvas of the workspace {name} says where its {question} is, which follows from its project",
                    where=str(folder / CANVAS),
                    fix="Take it out",
                )
        sqlite = whole.online.startswith("sqlite:")
        return Settings(
            database=sqlite_url(folder / LOCAL) if self._schemas is None else self._schemas.address(self._schema(name)),
            objects=self.objects(name),
            online=sqlite_url(folder / "online" / "features.db") if sqlite else whole.online,
            executor=own.executor,
            remote=own.remote,
            namespace=f"{whole.namespace}/{WORKSPACES}/{name}",
        )

    def mark(self, name: str) -> tuple[int, ...]:
        """What differs once a workspace was removed and made again, or its canvas was changed; empty without one."""
        folder = self.folder(name)
        if self._schemas is not None:
            known = self._schemas.number(self._schema(name), STAMP)
            return () if known is None else (known, *_changed(folder / CANVAS))
        try:
            found = (folder / LOCAL).stat()
        except OSError:
            return ()
        return (found.st_dev, found.st_ino, *_changed(folder / CANVAS))

    @property
    def are_files(self) -> bool:
        """Whether they lie in files, so that looking for one takes no time."""
        return self._schemas is None

    def names(self) -> list[str]:
        """The names of all workspaces."""
        return sorted(self._found())

    def _found(self) -> Iterator[str]:
        if self._schemas is not None:
            start = self._schema("")
            for schema in self._schemas.schemas(start, STAMP):
                if _NAME.fullmatch(schema.removeprefix(start)):
                    yield schema.removeprefix(start)
            return
        for file in self._folder.glob(f"*/{LOCAL}"):
            if _NAME.fullmatch(file.parent.name):
                yield file.parent.name

    def _schema(self, name: str) -> str:
        assert self._schemas is not None
        return f"{self._schemas.schema}-w-{name}"

    def _shown(self, name: str) -> str:
        if self._schemas is None:
            return sqlite_url(self.folder(name) / LOCAL)
        return self._schemas.beside(self._schema(name)).url

    def database(self, name: str, *, make: bool = False) -> Database:
        """The database of a workspace.

        Args:
            make: make an empty one where there is none.
        """
        if self._schemas is None:
            return open_database(sqlite_url(self.folder(name) / LOCAL))
        return self._schemas.beside(self._schema(name), make=make)

    def objects(self, name: str) -> str:
        """The address of the bytes of a workspace."""
        whole = self._stack.settings.objects
        if whole == (self._stack.folder / "objects").as_uri():
            return (self.folder(name) / "objects").as_uri()
        base, question, options = whole.partition("?")
        return f"{base.rstrip('/')}/{WORKSPACES}/{name}{question}{options}"

    def _make(self, name: str) -> bool:
        folder = self.folder(name)
        make_folder(folder)
        _canvas(folder, name)
        if self._schemas is not None:
            before = self.has(name)
            prepare(self._schemas.beside(self._schema(name), make=True), tables.load)
            return not before
        draft = folder / f"{LOCAL}.{secrets.token_hex(8)}.draft"
        try:
            with draft.open("xb") as file:
                file.write(_template())
                file.flush()
                os.fsync(file.fileno())
            try:
                # Whole or not at all, and whoever comes first.
                os.link(draft, folder / LOCAL)
            except FileExistsError:
                return False
            finally:
                draft.unlink()
            sync_folder(folder)
        except OSError as error:
            raise unavailable(error, folder) from error
        return True

    def _remove(self, name: str) -> None:
        """First what others cannot see any more, then the bytes that nothing names."""
        folder = self.folder(name)
        objects = open_objects(self.objects(name))
        if self._schemas is not None:
            self._schemas.drop(self._schema(name))
        gone = folder.with_name(f".{name}.{secrets.token_hex(8)}")
        try:
            if folder.is_dir():
                folder.replace(gone)
                sync_folder(folder.parent)
            for info in list(objects.list()):
                objects.delete(info.key)
            for left in folder.parent.glob(f".{name}.*"):
                shutil.rmtree(left)
        except OSError as error:
            raise unavailable(error, folder) from error


@cache
def _template() -> bytes:
    """A database with every table and no row; made once by each process."""
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as folder:
        file = Path(folder) / LOCAL
        made = open_database(sqlite_url(file))
        prepare(made, tables.load)
        # The last connection that is closed leaves one file, with nothing beside it.
        made.close()
        return file.read_bytes()


def _empty(name: str) -> Canvas:
    return loads(_written(name))


def _written(name: str) -> str:
    return f"stackcanvas: 1\nproject: {{name: {json.dumps(name)}}}\n"


def _canvas(folder: Path, name: str) -> Canvas:
    """The canvas of a workspace; the empty one is written where there is none, so that it can be answered."""
    file = folder / CANVAS
    try:
        with file.open("x", encoding="utf-8") as fresh:
            fresh.write(_written(name))
    except FileExistsError:
        pass
    except OSError as error:
        raise unavailable(error, file) from error
    return load(file)


def _changed(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size
