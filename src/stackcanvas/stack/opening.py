"""`stackcanvas.open`: from a folder to a running stack."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from stackcanvas.backends.database import open_database
from stackcanvas.canvas import load
from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import Unavailable
from stackcanvas.foundations import Git
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, CodeState, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack import tables
from stackcanvas.stack.root import CANVAS, FOLDER, find_root
from stackcanvas.stack.settings import settings_of
from stackcanvas.stack.stack import Stack

_CODE_HOLDS_S = 2.0


def _remembered(ask: Callable[[], CodeState]) -> Callable[[], CodeState]:
    """Asking git takes milliseconds, and many records are written in one second: an answer holds for a while."""
    known: tuple[float, CodeState] | None = None

    def code() -> CodeState:
        nonlocal known
        now_s = time.monotonic()
        if known is None or now_s - known[0] > _CODE_HOLDS_S:
            known = now_s, ask()
        return known[1]

    return code


def open(  # noqa: A001 - reads as `sc.open()`
    path: str | Path | None = None,
    *,
    environment: str | None = None,
    clock: Clock | None = None,
    environ: Mapping[str, str] | None = None,
) -> Stack:
    """Open the stack of a project.

    Args:
        path: the project's folder or one inside it; `STACKCANVAS_PROJECT` or the current folder by default.
        environment: the entry of `environments` in the canvas to apply; `STACKCANVAS_ENVIRONMENT` by default.
        clock: what time it is for records; the machine's by default.
        environ: where `${NAME}` in the canvas is looked up; the process's own by default.

    Raises:
        NotFound: no folder upwards holds a `canvas.yaml`.
        BadInputs: the canvas has errors; each with line and column.
        Unavailable: the state cannot be opened.
    """
    known = os.environ if environ is None else environ
    chosen = environment or known.get("STACKCANVAS_ENVIRONMENT") or None
    root = find_root(Path(path or known.get("STACKCANVAS_PROJECT") or Path.cwd()))
    canvas = load(root / CANVAS)
    settings = settings_of(canvas, root=root, environment=chosen, environ=known)
    folder = root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        (folder / "online").mkdir(exist_ok=True)
    except OSError as error:
        said = f"the folder of the stack's state cannot be made ({error.strerror})"
        raise Unavailable(said, where=str(folder)) from error
    database = open_database(settings.database)
    prepare(database, tables.load)
    now = clock or SystemClock()
    git = Git(root)
    spine = Spine(
        database,
        clock=now,
        ids=Ids(now.now),
        actor=Actor(git.identity() or getpass.getuser()),
        code=_remembered(lambda: CodeState(git.head(), git.dirty())),
    )
    return Stack(root=root, folder=folder, canvas=canvas, environment=chosen, settings=settings, spine=spine)
