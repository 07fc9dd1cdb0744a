"""The flow: the code in a folder of its own, the environment, the same work again, the comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.experiments import Origin, RunInfo
from stackcanvas.experiments import environment as environment_here
from stackcanvas.stack.reproduce.again import Place, command_again, pipeline_again, this_python
from stackcanvas.stack.reproduce.differences import (
    Compared,
    circumstances_of,
    files_of,
    metrics_of,
    reasons,
    steps_of,
)
from stackcanvas.stack.reproduce.packages import python_of
from stackcanvas.stack.reproduce.tree import tree_of

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_SCRIPT = "mlflow.source.name"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of running a run again.

    Args:
        run: the id of the first run.
        again: the id of the new one.
        same: whether status, metrics and files are the same.
        metrics: the last value of each, in both.
        files: each by its digest.
        steps: results of the steps of a pipeline by their digests; they are told, not judged.
        circumstances: what was different around the runs.
        reasons: why they may differ, as sentences; empty when they do not.
    """

    run: str
    again: str
    same: bool
    status: str
    tolerance: float
    metrics: tuple[Compared, ...]
    files: tuple[Compared, ...]
    steps: tuple[Compared, ...]
    circumstances: tuple[Compared, ...]
    reasons: tuple[str, ...]


def reproduce(
    stack: Stack,
    run_id: str,
    *,
    here: bool = False,
    tolerance: float = 0.0,
    output: IO[str] | None = None,
    tell: Callable[[str], None] = lambda _said: None,
) -> Reproduction:
    """Run again what a run did, on its code and its data, and compare.

    Args:
        here: use the packages of this process, whatever the run had.
        tolerance: how far metrics may lie apart, as a share of the larger one; exactly equal by default.
        output: where the work prints, a real file; nowhere unless given.
        tell: is told what takes long.

    Raises:
        NotFound: there is no such run, or it recorded too little to run again.
        Unavailable: the environment or the code cannot be had, or the work did not start.
    """
    if not 0 <= tolerance < 1:
        raise BadInput(f"the tolerance {tolerance:g} cannot be used", expected="a share from 0 to below 1")
    first = stack.experiments.get(run_id)
    if first.status in {"running", "scheduled"}:
        raise BadInput(f"the run {run_id} is {first.status}", fix="Wait until it has ended")
    origin = _origin(stack, first)
    is_pipeline = _is_pipeline(stack, first.id)
    python = this_python() if here else _python(stack, first, tell)
    erased = _erased(stack, first)
    for said in erased:
        tell(said)
    with (
        stack.spine.record("experiments.reproduce", subject=first.ref) as work,
        tree_of(stack, first, origin) as folder,
    ):
        work.used(first.ref)
        tell(f"Running {first.name} of {first.experiment} again")
        place = Place(folder, python, output)
        made = pipeline_again(stack, first, place) if is_pipeline else command_again(stack, first, origin, place)
        work.made(made.ref, "again")
    return _compared(stack, first, made, origin=origin, tolerance=tolerance, erased=erased)


def _erased(stack: Stack, run: RunInfo) -> list[str]:
    """That the data of a run are no longer what it read, because rows of persons were erased from them."""
    found = [stack.data.parts.versions.erased(one.name, one.digest) for one in run.inputs]
    return [
        f"Rows of {version.ref} were erased on {version.erased:%Y-%m-%d}: the run had more data than there are now"
        for version in found
        if version is not None
    ]


def _compared(
    stack: Stack, first: RunInfo, again: RunInfo, *, origin: Origin, tolerance: float, erased: list[str]
) -> Reproduction:
    metrics = metrics_of(first, again, tolerance=tolerance)
    files, steps = files_of(stack, first, again), steps_of(stack, first, again)
    around = circumstances_of(stack, first, again)
    same = first.status == again.status and all(one.same for one in (*metrics, *files))
    return Reproduction(
        run=first.id,
        again=again.id,
        same=same,
        status=again.status,
        tolerance=tolerance,
        metrics=tuple(metrics),
        files=tuple(files),
        steps=tuple(steps),
        circumstances=tuple(around),
        reasons=tuple(erased) if same else (*erased, *reasons(first, again, origin, steps, around)),
    )


def _origin(stack: Stack, run: RunInfo) -> Origin:
    """Where the run comes from; of a tracking client's run, what its tags tell."""
    found = stack.experiments.origins.get(run.id)
    if found is not None:
        return found
    script = run.tags.get(_SCRIPT)
    return Origin(command=("python", script) if script and script.endswith(".py") else ())


def _is_pipeline(stack: Stack, run_id: str) -> bool:
    try:
        stack.pipelines.get(run_id)
    except NotFound:
        return False
    return True


def _python(stack: Stack, run: RunInfo, tell: Callable[[str], None]) -> Path:
    if run.environment is None or run.environment == environment_here().digest:
        return this_python()
    return python_of(stack.experiments.environment(run.environment), stack.folder / "environments", tell=tell)
