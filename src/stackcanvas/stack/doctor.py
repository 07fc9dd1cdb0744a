"""What is wrong with a project, and the command that mends it; it looks and changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stackcanvas.canvas import load
from stackcanvas.errors import BadInputs, StackCanvasError
from stackcanvas.metadata.migrate import HISTORY, written
from stackcanvas.stack.heads import verify
from stackcanvas.stack.opening import open as open_stack
from stackcanvas.stack.root import CANVAS, FOLDER, find_root
from stackcanvas.stack.running import NAMES, process
from stackcanvas.stack.stack import Stack

_LITTLE_BYTES = 1 << 30
_MANY_LOST = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a look at the project showed.

    Args:
        area: what was looked at.
        level: `good`, `warn` (it works, but), or `bad` (it does not work).
        what: in one sentence.
        fix: what mends it, best a command.
    """

    area: str
    level: Literal["good", "warn", "bad"]
    what: str
    fix: str | None = None


def examine(
    path: str | Path | None = None, *, environment: str | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Look at everything that can be told quickly; what needs every byte to be read is `fsck`.

    Args:
        path: the project's folder or one inside it; the current folder by default.
        environment: the entry of `environments` in the canvas to apply; `STACKCANVAS_ENVIRONMENT` by default.
        environ: where `${NAME}` in the canvas is looked up; the process's own by default.

    Raises:
        NotFound: there is no project.
    """
    known = os.environ if environ is None else environ
    root = find_root(Path(path or known.get("STACKCANVAS_PROJECT") or Path.cwd()))
    found = [*_canvas(root), *_disk(root)]
    if any(one.level == "bad" for one in found):
        return found
    try:
        stack = open_stack(root, environment=environment, environ=environ)
    except StackCanvasError as error:
        return [*found, Finding("database", "bad", error.sentence())]
    with stack:
        for area, look in _LOOKS.items():
            try:
                found += look(stack)
            except StackCanvasError as error:
                found.append(Finding(area, "bad", error.sentence()))
    return found


def _canvas(root: Path) -> Iterator[Finding]:
    try:
        canvas = load(root / CANVAS)
    except BadInputs as errors:
        for problem in errors.errors:
            yield Finding("canvas", "bad", problem.sentence(), "Edit canvas.yaml, then run: stackcanvas canvas check")
    except StackCanvasError as error:
        yield Finding("canvas", "bad", error.sentence(), "Edit canvas.yaml, then run: stackcanvas canvas check")
    else:
        yield Finding("canvas", "good", f"{len(canvas.answered)} questions are answered")


def _disk(root: Path) -> Iterator[Finding]:
    folder = root / FOLDER if (root / FOLDER).is_dir() else root
    free = shutil.disk_usage(folder).free
    said = f"{free / (1 << 30):,.1f} GiB are free on the disk of {folder}"
    if not os.access(folder, os.W_OK):
        yield Finding(
            "disk", "bad", f"{folder} cannot be written", f"Give this user the right to it: chmod u+w {folder}"
        )
    elif free < _LITTLE_BYTES:
        yield Finding("disk", "warn", said, "See what takes space: stackcanvas du")
    else:
        yield Finding("disk", "good", said)


def _database(stack: Stack) -> Iterator[Finding]:
    database = stack.spine.database
    with stack.spine.write():
        yield Finding("database", "good", f"{database.url} can be read and written")
    found = written(database)
    if found is not None and found.version > HISTORY.version:
        ahead = f"it has version {found.version}, newer than {HISTORY.version}, which this release knows"
        works = f"it works with releases that know {found.oldest} and later"
        yield Finding("database", "warn", f"{ahead}; {works}", "pip install --upgrade stackcanvas")


def _objects(stack: Stack) -> Iterator[Finding]:
    next(iter(stack.objects.list("data/")), None)
    yield Finding("objects", "good", f"{stack.objects.url} can be read")


def _online(stack: Stack) -> Iterator[Finding]:
    stack.online.get_many([b"doctor"])
    yield Finding("online store", "good", "it answers")


def _code(stack: Stack) -> Iterator[Finding]:
    pipelines = stack.pipelines.ls()
    if stack.foundations.head() is None:
        yield Finding(
            "code",
            "warn",
            "git has no commit, so records cannot say which code ran",
            "git init && git add . && git commit",
        )
    yield Finding("code", "good", f"{len(pipelines)} pipelines are defined")


def _processes(stack: Stack) -> Iterator[Finding]:
    said = {name: process(stack.folder, name) for name in NAMES}
    if all(one is None for one in said.values()):
        yield Finding("processes", "good", "the stack does not run")
    for name, one in said.items():
        if one is not None and one.alive:
            yield Finding("processes", "good", f"{name} runs as process {one.pid}")
        elif one is not None:
            yield Finding("processes", "bad", f"{name} (process {one.pid}) ended without saying so", "stackcanvas up")
        elif any(other is not None and other.alive for other in said.values()):
            yield Finding("processes", "warn", f"{name} does not run, though others do", "stackcanvas up")


def _executions(stack: Stack) -> Iterator[Finding]:
    lost = stack.spine.executions.search(state="lost", limit=_MANY_LOST)
    if lost:
        count = f"{len(lost)} or more" if len(lost) == _MANY_LOST else str(len(lost))
        yield Finding(
            "records",
            "warn",
            f"{count} pieces of work were cut off by the end of their process, the last on {lost[0].started:%Y-%m-%d}",
            "stackcanvas metadata executions --state lost",
        )


def _audit(stack: Stack) -> Iterator[Finding]:
    problems = verify(stack)
    for problem in problems:
        yield Finding(
            "audit log", "bad", f"entry {problem.sequence} {problem.what}", "stackcanvas metadata audit --verify"
        )
    if not problems:
        yield Finding("audit log", "good", f"{stack.spine.audit.head()[0]:,} entries, each sealed by the one before")


def _serving(stack: Stack) -> Iterator[Finding]:
    for served in stack.serving.served():
        if served.error:
            yield Finding(
                "serving",
                "bad",
                f"{served.endpoint} is not served as routed: {served.error}",
                "stackcanvas deployment ls",
            )
    for status in stack.deployment.ls():
        yield Finding("serving", "good", f"{status.endpoint} answers with {status.live}")


def _workspaces(stack: Stack) -> Iterator[Finding]:
    if stack.workspace is not None:
        return
    names = stack.workspaces.names()
    for name in names:
        try:
            stack.workspaces.open(name).close()
        except StackCanvasError as error:
            yield Finding("workspaces", "bad", f"{name}: {error.sentence()}")
    if names:
        yield Finding("workspaces", "good", f"{len(names):,}; each is read whole by: stackcanvas --workspace NAME fsck")


_LOOKS: Mapping[str, Callable[[Stack], Iterator[Finding]]] = {
    "database": _database,
    "objects": _objects,
    "online store": _online,
    "code": _code,
    "processes": _processes,
    "records": _executions,
    "audit log": _audit,
    "serving": _serving,
    "workspaces": _workspaces,
}
