"""`stackcanvas.open`: from a folder to a running stack."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from stackcanvas.backends.database import Database, open_database
from stackcanvas.backends.database.sqlite import sqlite_url
from stackcanvas.backends.database.transfer import holds_rows
from stackcanvas.canvas import load
from stackcanvas.clock import Clock, SystemClock
from stackcanvas.errors import Refused, Unavailable
from stackcanvas.foundations import Git
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, CodeState, Spine
from stackcanvas.metadata.migrate import is_empty, prepare
from stackcanvas.metadata.tokens import ADMIN, Tokens
from stackcanvas.stack import tables
from stackcanvas.stack.root import CANVAS, FOLDER, LOCAL, TOKEN, address_of, find_root, project_of
from stackcanvas.stack.settings import settings_of
from stackcanvas.stack.stack import Stack, named

_CODE_HOLDS_S = 2.0
# A stack that is here needs nothing of what speaks to one elsewhere.
_CONNECT = "stackcanvas.stack.served.stack:connect"


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


def _refuse_to_leave(database: Database, local: Path) -> None:
    """Refuse an empty database while the embedded one beside it holds records, which nobody would see any more."""
    if not local.is_file() or not is_empty(database):
        return
    left = open_database(sqlite_url(local))
    try:
        prepare(left, tables.load)
        with left.read() as connection:
            holds = holds_rows(connection, tables.load().sorted_tables)
    finally:
        left.close()
    if holds:
        raise Refused(
            f"the canvas names an empty database, and {local} holds the records of this project",
            where=database.url,
            fix="Put the old address back into metadata.store and run: stackcanvas move --to URL. "
            f"To begin anew, rename {local.name}",
        )


def open(  # noqa: A001 - reads as `sc.open()`
    path: str | Path | None = None,
    *,
    workspace: str | None = None,
    environment: str | None = None,
    clock: Clock | None = None,
    environ: Mapping[str, str] | None = None,
) -> Stack:
    """Open the stack of a project, or the one that a server has open.

    Args:
        path: the project's folder or one inside it, or the address of a server, such as
            `https://stack.example.org/w/churn`; by default `STACKCANVAS_URL`, else `STACKCANVAS_PROJECT`, else the
            current folder. A server is shown the token in `STACKCANVAS_TOKEN`.
        workspace: one of the project's workspaces, or of the server's, instead of its own stack.
        environment: the entry of `environments` in the canvas to apply; `STACKCANVAS_ENVIRONMENT` by default.
        clock: what time it is for records; the machine's by default.
        environ: where `${NAME}` in the canvas is looked up; the process's own by default.

    Raises:
        NotFound: no folder upwards holds a `canvas.yaml`, or there is no such workspace.
        BadInputs: the canvas has errors; each with line and column.
        Refused: `STACKCANVAS_TOKEN` is no token of this stack.
        Unavailable: the state cannot be opened, or the server does not answer.
    """
    known = os.environ if environ is None else environ
    served = address_of(path, known)
    if served is not None:
        address = served[0] if workspace is None else f"{served[0].rstrip('/')}/w/{quote(workspace, safe='')}"
        connected: Stack = named(_CONNECT)(address, token=served[1], clock=clock, environ=known)
        return connected
    chosen = environment or known.get("STACKCANVAS_ENVIRONMENT") or None
    root, inside = project_of(find_root(Path(path or known.get("STACKCANVAS_PROJECT") or Path.cwd())))
    project, inner = _open(root, chosen, clock or SystemClock(), known), workspace or inside
    try:
        if inner is None or inner == project.canvas.project.name:
            _show(known.get(TOKEN), project)
            return project
        stack: Stack = project.workspaces.open(inner)
        _show(known.get(TOKEN), stack, project)
    except BaseException:
        project.close()
        raise
    stack.closes_too(project)
    return stack


def _open(root: Path, chosen: str | None, clock: Clock, known: Mapping[str, str]) -> Stack:
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
    if chosen is None and settings.database != sqlite_url(folder / LOCAL):
        # An environment is another stack on purpose; the project itself must not lose its records by a new address.
        _refuse_to_leave(database, folder / LOCAL)
    prepare(database, tables.load)
    git = Git(root)
    spine = Spine(
        database,
        clock=clock,
        ids=Ids(clock.now),
        actor=Actor(git.identity() or getpass.getuser()),
        code=_remembered(lambda: CodeState(git.head(), git.dirty())),
    )
    return Stack(root=root, folder=folder, canvas=canvas, environment=chosen, settings=settings, spine=spine)


def _show(text: str | None, stack: Stack, project: Stack | None = None) -> None:
    """Make whom a token names the actor; an administrator of the project enters its workspaces, too."""
    if not text:
        return
    token = Tokens(stack.spine).check(text)
    if token is None and project is not None:
        above = Tokens(project.spine).check(text)
        token = above if above is not None and above.role == ADMIN else None
    if token is None:
        raise Refused(f"the token in {TOKEN} is unknown, expired or revoked", fix=f"Unset {TOKEN}, or ask for another")
    stack.spine.become(Actor(token.name, verified=True))
