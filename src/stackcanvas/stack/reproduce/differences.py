"""In what two runs differ: metrics, files, results of steps; and what was different around them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from stackcanvas.errors import NotFound
from stackcanvas.experiments import Environment, Origin, RunInfo
from stackcanvas.experiments.origin import OWN
from stackcanvas.experiments.system import SYSTEM

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_MOST_PACKAGES = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing of two runs.

    Args:
        name: of the metric, file, step or circumstance.
        first: what it was; None where it was not.
        again: what it is now.
    """

    name: str
    first: Any
    again: Any
    same: bool


def metrics_of(first: RunInfo, again: RunInfo, *, tolerance: float) -> list[Compared]:
    """The last value of each metric; how busy the machine was is not compared.

    Args:
        tolerance: how far values may lie apart, as a share of the larger one.

    Example:
        >>> _near(0.5, 0.50001, 1e-3), _near(0.5, 0.50001, 0.0), _near(math.nan, math.nan, 0.0)
        (True, False, True)
    """
    values = [{name: one.value for name, one in run.metrics.items()} for run in (first, again)]
    names = [name for name in dict.fromkeys([*values[0], *values[1]]) if not name.startswith(SYSTEM)]
    return [
        Compared(name, one := values[0].get(name), other := values[1].get(name), _near(one, other, tolerance))
        for name in names
    ]


def files_of(stack: Stack, first: RunInfo, again: RunInfo) -> list[Compared]:
    """Each file by the digest of its content; what the stack itself keeps with a run is left out."""
    found = []
    for run in (first, again):
        walked = stack.experiments.files.walk(run.id)
        found.append({one.path: one.size_bytes for one in walked if not one.path.startswith(f"{OWN}/")})
    compared = []
    for path in dict.fromkeys([*found[0], *found[1]]):
        one, other = (
            blake3(stack.experiments.files.get(run.id, path)).hexdigest()[:16] if path in paths else None
            for run, paths in zip((first, again), found, strict=True)
        )
        compared.append(Compared(path, one, other, one == other))
    return compared


def steps_of(stack: Stack, first: RunInfo, again: RunInfo) -> list[Compared]:
    """The result of each step of a pipeline by its digest, in the order of the graph; nothing for other runs."""
    results = [{step.node: step.value for step in stack.pipelines.steps(run.id)} for run in (first, again)]
    return [
        Compared(node, one and one[:16], other and other[:16], one == other)
        for node in dict.fromkeys([*results[0], *results[1]])
        for one, other in [(results[0].get(node), results[1].get(node))]
    ]


def circumstances_of(stack: Stack, first: RunInfo, again: RunInfo) -> list[Compared]:
    """What was around the two runs and differs: code, data, parameters, packages, machine, threads, seeds."""
    told = [dict(_around(stack, run)) for run in (first, again)]
    return [
        Compared(name, one, other, same=False)
        for name in dict.fromkeys([*told[0], *told[1]])
        for one, other in [(told[0].get(name), told[1].get(name))]
        if one != other
    ]


def _around(stack: Stack, run: RunInfo) -> Iterator[tuple[str, object]]:
    origin = stack.experiments.origins.get(run.id) or Origin()
    yield "commit", run.code.commit
    yield "seed", run.seed
    yield from ((f"parameter {name}", value) for name, value in run.parameters.items())
    yield from ((f"data {one.name}", one.digest[:16]) for one in run.inputs)
    yield from ((f"hardware {name.removesuffix('_bytes')}", value) for name, value in origin.hardware.items())
    yield from ((f"setting {name}", value) for name, value in origin.settings.items())
    packages = _packages(stack, run)
    if packages is not None:
        yield "Python", packages.python
        yield "platform", packages.platform
        yield from ((f"package {name}", version) for name, version in packages.packages.items())


def _packages(stack: Stack, run: RunInfo) -> Environment | None:
    if run.environment is None:
        return None
    try:
        return stack.experiments.environment(run.environment)
    except NotFound:
        return None


def _near(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=tolerance)


def reasons(
    first: RunInfo, again: RunInfo, origin: Origin | None, steps: list[Compared], around: list[Compared]
) -> list[str]:
    """Why the two may differ, as sentences; the likeliest first."""
    found: list[str] = []
    if first.status != again.status:
        found.append(f"The first run ended as {first.status}, this one as {again.status}")
    changed = next((step.name for step in steps if not step.same), None)
    if changed is not None:
        found.append(f"The first step with another result is {changed}")
    groups: Mapping[str, str] = {
        "commit": "It ran on another commit",
        "seed": "It had another seed; one that came from a variable of the shell has to be set again",
        "data ": "It read other data",
        "parameter ": "It had other parameters",
        "package ": "Packages have other versions",
        "Python": "It ran on another Python",
        "hardware ": "It ran on another machine, which may round differently",
        "setting ": "Threads or seeds of the environment were set differently",
    }
    for prefix, sentence in groups.items():
        names = [one.name.removeprefix(prefix).strip() for one in around if one.name.startswith(prefix)]
        if names:
            shown = ", ".join(name for name in names[:_MOST_PACKAGES] if name)
            more = f" and {len(names) - _MOST_PACKAGES} more" if len(names) > _MOST_PACKAGES else ""
            found.append(f"{sentence}: {shown}{more}" if shown else sentence)
    if first.seed is None:
        found.append("No seed was recorded: random numbers may be others each time")
    if origin is not None and origin.left_out:
        found.append(f"Uncommitted files were too large to be kept: {', '.join(origin.left_out[:5])}")
    if first.code.dirty and (origin is None or (origin.patch is None and not origin.left_out)):
        found.append("The code had uncommitted changes that were not kept")
    if not found:
        found.append("Nothing recorded differs: look for random numbers without a seed, threads, time, the network")
    return found
