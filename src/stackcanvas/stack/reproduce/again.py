"""Doing again what a run did, in a process of its own: a pipeline with its pins, a script by its command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from blake3 import blake3

from stackcanvas.errors import Corrupt, NotFound, Unavailable
from stackcanvas.experiments import Condition, Origin, RunInfo
from stackcanvas.experiments.origin import NOTEBOOK, REPRODUCES, REPRODUCES_VARIABLE
from stackcanvas.stack.reproduce import cells

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_OPENER = "stackcanvas.stack.opening:open"
_CHILD = "stackcanvas.pipelines.child"


@dataclass(frozen=True, slots=True)
class Place:
    """Where and with what something is done again.

    Args:
        folder: the project as the run found it.
        python: the interpreter.
        output: where the process prints; None for nowhere.
    """

    folder: Path
    python: Path
    output: IO[str] | None = None


def pipeline_again(stack: Stack, run: RunInfo, place: Place) -> RunInfo:
    """Run a pipeline again, with nothing taken from earlier runs."""
    again, holder = stack.pipelines.again(run.id, trigger=f"reproduce {run.ref}")
    words = [
        "-m",
        _CHILD,
        "--opener",
        _OPENER,
        "--root",
        str(place.folder),
        "--run",
        again,
        "--holder",
        holder,
        "--fresh",
    ]
    if stack.environment is not None:
        words += ["--environment", stack.environment]
    ended = _call(place, words, cwd=place.folder, settings=_settings(stack, run))
    stack.pipelines.release(again, holder)
    if stack.pipelines.get(again).started is None:
        raise Unavailable(f"the process that should run it again ended with {ended}", where=str(run.ref))
    with stack.spine.write() as tx:
        stack.experiments.runs.set_tags(tx, again, {REPRODUCES: run.id})
    return stack.experiments.get(again)


def command_again(stack: Stack, run: RunInfo, origin: Origin, place: Place) -> RunInfo:
    """Run the command of a script again, or the cells of a notebook.

    Raises:
        NotFound: the run recorded neither.
        Unavailable: the command did not start a run.
    """
    before = {found.id for found in _made_again(stack, run)}
    cwd = place.folder / origin.folder
    is_inside = cwd.resolve().is_relative_to(place.folder.resolve()) and cwd.is_dir()
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as aside:
        words = _words(stack, run, origin, place.folder, aside=Path(aside))
        if not is_inside:
            cwd, words = place.folder, [_inside(stack.root, origin.folder, word, place.folder) for word in words]
        ended = _call(place, words, cwd=cwd, settings=_settings(stack, run))
    stack.experiments.reap()  # what was killed then is killed again
    made = [found for found in _made_again(stack, run) if found.id not in before]
    same = [found for found in made if _ordinal(stack, found) == origin.ordinal]
    if not (same or made):
        said = f"the command {' '.join(words)!r} ended with {ended} and started no run"
        raise Unavailable(said, where=str(run.ref), fix="Try it by hand in a checkout of the commit")
    return (same or made)[-1]


def _words(stack: Stack, run: RunInfo, origin: Origin, folder: Path, *, aside: Path) -> list[str]:
    """The command after the interpreter, with paths of the project turned to the folder.

    Args:
        aside: where the cells of a notebook are written.
    """
    if origin.notebook is not None:
        executed = stack.experiments.files.get(run.id, NOTEBOOK)
        if blake3(executed).hexdigest() != origin.notebook:
            raise Corrupt("the cells of the run were altered since it ended", where=f"{run.ref} {NOTEBOOK}")
        file = aside / Path(NOTEBOOK).name
        file.write_bytes(executed)
        return [cells.__file__, str(file)]
    if len(origin.command) < 2 or origin.command[1] == "-":
        said = "Runs of scripts, pipelines and notebooks record one; what is piped or typed into Python is not kept"
        raise NotFound("command of the run", run.id, fix=said)
    root = str(stack.root)
    return [
        str(folder) + word.removeprefix(root) if word == root or word.startswith(f"{root}{os.sep}") else word
        for word in origin.command[1:]
    ]


def _inside(root: Path, started_in: str, word: str, folder: Path) -> str:
    """A word that named a file of the project from outside of it, as the same file of the folder."""
    named = Path(os.path.normpath(root / started_in / word))
    there = folder / named.relative_to(root) if named.is_relative_to(root) else None
    return str(there) if there is not None and there.is_file() else word


def _settings(stack: Stack, run: RunInfo) -> Mapping[str, str]:
    origin = stack.experiments.origins.get(run.id)
    return {**(origin.settings if origin else {}), REPRODUCES_VARIABLE: run.id}


def _call(place: Place, words: list[str], *, cwd: Path, settings: Mapping[str, str]) -> int:
    surroundings = {**os.environ, **settings, "STACKCANVAS_PROJECT": str(place.folder)}
    output = place.output if place.output is not None else subprocess.DEVNULL
    command = [str(place.python), *words]
    return subprocess.run(
        command, cwd=cwd, env=surroundings, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    ).returncode


def _made_again(stack: Stack, run: RunInfo) -> list[RunInfo]:
    wanted = Condition("tag", REPRODUCES, "=", run.id)
    return stack.experiments.search(where=[wanted], order_by="started", limit=10_000)


def _ordinal(stack: Stack, run: RunInfo) -> int | None:
    found = stack.experiments.origins.get(run.id)
    return None if found is None else found.ordinal


def this_python() -> Path:
    """The interpreter of this process."""
    return Path(sys.executable)
