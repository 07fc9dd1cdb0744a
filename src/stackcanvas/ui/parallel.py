"""Runs as lines across parallel axes: an axis for each parameter that varies, and for each metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stackcanvas.experiments import RunInfo
from stackcanvas.experiments.system import SYSTEM
from stackcanvas.stack import Stack
from stackcanvas.ui.links import Links

_WIDTH, _TOP, _BOTTOM, _MARGIN = 1000.0, 34.0, 236.0, 70.0
_MOST_PARAMETERS, _MOST_METRICS, _MOST_WORDS = 6, 3, 12
_FACTOR = 100.0  # numbers further apart than this stand by their logarithms


@dataclass(frozen=True, slots=True)
class Aim:
    """A metric that runs are judged by, and which way is better."""

    metric: str
    higher: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """An upright line with what stands at its ends.

    Args:
        x: from the left.
    """

    label: str
    low: str
    high: str
    x: str


@dataclass(frozen=True, slots=True)
class Thread:
    """One run.

    Args:
        points: each `x,y` in a box of 1000 by 270.
        rank: 3 for the best quarter of the runs by the last axis, 0 for the worst.
    """

    label: str
    href: str
    points: str
    rank: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """Axes and the threads across them.

    Args:
        by: what the colours go by.
        best: which of its values stand out, `highest` or `lowest`.
    """

    axes: tuple[Axis, ...]
    threads: tuple[Thread, ...]
    by: str
    best: str


def aims_of(stack: Stack) -> list[Aim]:
    """The figures by which the canvas judges models."""
    return [Aim(one.name, one.direction == "higher") for one in stack.answers().get("experiments.metrics") or ()]


def across(runs: Sequence[RunInfo], links: Links, *, aims: Sequence[Aim]) -> Parallel | None:
    """The runs across what varies between them, None where that is not worth a picture.

    Args:
        aims: the first of them that the runs differ in is the last axis, by which the colours go.
    """
    columns, aim = _columns(runs, aims)
    if len(columns) < 2 or len(runs) < 2:
        return None
    names = list(columns)
    gap = (_WIDTH - 2 * _MARGIN) / (len(names) - 1)
    places = {name: _MARGIN + gap * index for index, name in enumerate(names)}
    axes, heights = [], {}
    for name, (kind, key) in columns.items():
        values = [_value(run, kind, key) for run in runs]
        heights[name], low, high = _scale(values)
        axes.append(Axis(name, low, high, f"{places[name]:.1f}"))
    last = columns[names[-1]]
    ranks = _ranks([_number(_value(run, *last)) for run in runs], higher=aim is None or aim.higher)
    threads = []
    for index, run in enumerate(runs):
        points = [(places[name], heights[name][index]) for name in names]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points if y is not None)
        threads.append(Thread(run.name, links.ref(run.ref), drawn, ranks[index]))
    # The best are drawn last, above the others.
    upward = tuple(sorted(threads, key=lambda thread: thread.rank))
    return Parallel(tuple(axes), upward, by=names[-1], best="highest" if aim is None or aim.higher else "lowest")


def _columns(runs: Sequence[RunInfo], aims: Sequence[Aim]) -> tuple[dict[str, tuple[str, str]], Aim | None]:
    """What the axes show, the aim that runs are told apart by last."""
    parameters = _varying([run.parameters for run in runs])[:_MOST_PARAMETERS]
    values = [{name: one.value for name, one in run.metrics.items() if not name.startswith(SYSTEM)} for run in runs]
    varying = _varying(values)
    aim = next((one for one in aims if one.metric in varying), None)
    metrics = sorted(varying, key=lambda name: aim is None or name != aim.metric)[:_MOST_METRICS]
    metrics.sort(key=lambda name: aim is not None and name == aim.metric)
    columns = {
        **{name: ("parameter", name) for name in parameters},
        **{(name if name not in parameters else f"{name} (metric)"): ("metric", name) for name in metrics},
    }
    return columns, aim


def _varying(told: Sequence[Mapping[str, object]]) -> list[str]:
    """The names with several values; those that most runs have come first."""
    counts: dict[str, int] = {}
    kinds: dict[str, set[str]] = {}
    for one in told:
        for name, value in one.items():
            counts[name] = counts.get(name, 0) + 1
            kinds.setdefault(name, set()).add(str(value))
    several = [
        name
        for name, found in kinds.items()
        if len(found) > 1 and (len(found) <= _MOST_WORDS or all(_number(text) is not None for text in found))
    ]
    return sorted(several, key=lambda name: (-counts[name], name))


def _value(run: RunInfo, kind: str, key: str) -> object:
    if kind == "parameter":
        return run.parameters.get(key)
    return run.metrics[key].value if key in run.metrics else None


def _scale(values: Sequence[object]) -> tuple[list[float | None], str, str]:
    """The height of each value, and what stands at the lower and the upper end."""
    numbers = [_number(value) for value in values]
    if all(number is not None or value is None for number, value in zip(numbers, values, strict=True)):
        known = [number for number in numbers if number is not None]
        low, high = min(known), max(known)
        shown = math.log if low > 0 and high > _FACTOR * low else float
        rows = [None if number is None else _height(shown(number), shown(low), shown(high)) for number in numbers]
        return rows, f"{low:.4g}", f"{high:.4g}"
    words = sorted({str(value) for value in values if value is not None})
    rows = [None if value is None else _height(words.index(str(value)), 0, len(words) - 1) for value in values]
    return rows, words[0][:14], words[-1][:14]


def _height(value: float, low: float, high: float) -> float:
    share = 0.5 if high == low else (value - low) / (high - low)
    return _BOTTOM - (_BOTTOM - _TOP) * share


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _ranks(values: Sequence[float | None], *, higher: bool) -> list[int]:
    """From 3 for the best quarter down to 0: the best always stands out, however few there are."""
    known = sorted((value for value in values if value is not None), reverse=higher)
    return [0 if value is None else 3 - 4 * known.index(value) // len(known) for value in values]
