"""A stack of another machine with the attributes of one that is here, so that code and commands need not know."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackcanvas.canvas import Canvas, loads
from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import NotFound, StackCanvasError, Unavailable
from stackcanvas.foundations import Git
from stackcanvas.metadata import Actor, CodeState
from stackcanvas.stack.root import find_root
from stackcanvas.stack.served.entering import About
from stackcanvas.stack.served.link import Address, Link
from stackcanvas.stack.served.parts import Part, refused
from stackcanvas.stack.served.spine import ServedSpine
from stackcanvas.stack.settings import Settings
from stackcanvas.stack.stack import Stack

_NAMELESS = "stackcanvas: 1\nproject: {name: served}\n"
_BUILD = "stackcanvas.stack.served.build"
_ASKED = frozenset({"annotation", "deployment", "foundations", "splits", "tokens", "workspaces"})


class ServedStack(Stack):
    """The blocks of a stack that a server of another machine has open.

    Args:
        link: to the server.
        about: what the server says of the stack.
        root: the folder of the code here.
        folder: for what can be made again.
        clock: what time it is for records that begin here.
    """

    is_served = True
    _parts: Mapping[str, str] = {
        "objects": f"{_BUILD}:objects",
        "project": "stackcanvas.stack.build.pipelines:project",
        "data": f"{_BUILD}:data",
        "analysis": "stackcanvas.stack.served.analysis:build",
        "experiments": f"{_BUILD}:experiments",
        "features": f"{_BUILD}:features",
        "registry": f"{_BUILD}:registry",
        "serving": f"{_BUILD}:serving",
        "value": f"{_BUILD}:value",
        "pipelines": f"{_BUILD}:pipelines",
        "monitoring": f"{_BUILD}:monitoring",
    }

    def __init__(self, link: Link, about: About, *, root: Path, folder: Path, clock: Clock) -> None:
        git = Git(root)

        def code() -> CodeState:
            return CodeState(git.head(), git.dirty())

        link.code = code
        spine: Any = ServedSpine(link, clock=clock, actor=Actor(about.actor, about.verified), code=code)
        self.link = link
        super().__init__(
            root=root,
            folder=folder,
            canvas=_canvas(about),
            environment=about.environment,
            settings=Settings(*[str(link.address)] * 4),
            spine=spine,
        )

    def __getattr__(self, name: str) -> Any:
        if name in _ASKED:
            return Part(self.link, name)
        if name in Stack._parts and name not in self._parts:  # noqa: SLF001 - of its own base
            raise refused(f"the part {name}", self.link)
        return super().__getattr__(name)

    def ticks(self) -> Any:
        """Not from here: the server's own worker does that."""
        raise refused("a worker", self.link)


def connect(
    url: str, *, token: str | None, clock: Clock | None = None, environ: Mapping[str, str] | None = None
) -> ServedStack:
    """Open the stack of a server.

    Args:
        url: of the server, with `/w/NAME` for one of its workspaces.
        token: that says who asks; None where the server wants none.
        clock: what time it is for records that begin here; the machine's by default.
        environ: where names of folders are looked up; the process's own by default.

    Raises:
        BadInput: the address cannot be one.
        Unavailable: nothing answers there, or something else.
        Refused: the token is unknown, or the server wants one.
    """
    known = os.environ if environ is None else environ
    link = Link(Address.parse(url), token=token)
    try:
        about: About = link.call("served", "about")
        link.calls, link.theirs = frozenset(about.calls), about.release
        root = _root(known)
        return ServedStack(link, about, root=root, folder=_folder(link, known), clock=clock or SystemClock())
    except BaseException:
        link.close()
        raise


def _canvas(about: About) -> Canvas:
    """The server's canvas; where this release cannot read it, one without answers: the server heeds its own."""
    try:
        return loads(about.canvas or _NAMELESS)
    except StackCanvasError:
        return loads(_NAMELESS)


def _root(environ: Mapping[str, str]) -> Path:
    start = Path(environ.get("STACKCANVAS_PROJECT") or Path.cwd())
    try:
        return find_root(start)
    except NotFound:
        return start.resolve()


def _folder(link: Link, environ: Mapping[str, str]) -> Path:
    """Where what can be made again lies, of this server alone."""
    base = environ.get("XDG_CACHE_HOME") or (Path(environ["HOME"]) / ".cache" if environ.get("HOME") else None)
    name = hashlib.sha256(str(link.address).encode()).hexdigest()[:16]
    folder = Path(base or tempfile.gettempdir()) / "stackcanvas" / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        said = f"the folder for copies of what the server keeps cannot be made ({error.strerror})"
        raise Unavailable(said, where=str(folder), fix="Name another one in XDG_CACHE_HOME") from error
    return folder
