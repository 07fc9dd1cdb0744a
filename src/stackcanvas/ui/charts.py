"""Histories as lines that fit a box of 600 by 160."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from stackcanvas.plain import cell
from stackcanvas.ui.context import Chart, Line

_WIDTH, _TOP, _BOTTOM = 600.0, 8.0, 152.0
_MOST = 300

Points = Sequence[tuple[float, float]]


def over_steps(title: str, points: Points) -> Chart | None:
    """A line of values over steps, None when there is no line to draw.

    Args:
        points: step and value, in order; what is not finite is left out.

    Example:
        >>> over_steps("auc", [(0, 0.5), (10, 0.75)]).lines[0].points
        '0.0,152.0 600.0,8.0'
    """
    ends = (f"step {points[0][0]:g}", f"step {points[-1][0]:g}") if points else ("", "")
    return _chart(title, {"": points}, ends)


def over_steps_of(title: str, lines: Mapping[str, Points]) -> Chart | None:
    """Lines of values over the same steps, None when there is none to draw.

    Args:
        lines: by what each shows; step and value, in order; what is not finite is left out.
    """
    steps = [step for points in lines.values() for step, _ in points]
    if not steps:
        return None
    return _chart(title, lines, (f"step {min(steps):g}", f"step {max(steps):g}"))


def over_time(title: str, lines: Mapping[str, Sequence[tuple[datetime, float]]]) -> Chart | None:
    """Lines of values over time, None when there is none to draw.

    Args:
        lines: by what each shows; instant and value, in order; what is not finite is left out.
    """
    instants = [instant for points in lines.values() for instant, _ in points]
    if not instants:
        return None
    placed = {
        label: [(instant.timestamp(), value) for instant, value in points] for label, points in lines.items() if points
    }
    return _chart(title, placed, (cell(min(instants))[:10], cell(max(instants))[:10]))


def _chart(title: str, lines: Mapping[str, Points], ends: tuple[str, str]) -> Chart | None:
    finite = {label: [point for point in points if math.isfinite(point[1])] for label, points in lines.items()}
    every = [point for points in finite.values() for point in points]
    if len({place for place, _ in every}) < 2:
        return None
    across = min(place for place, _ in every), max(place for place, _ in every)
    range_ = min(value for _, value in every), max(value for _, value in every)
    return Chart(
        title=title,
        lines=tuple(
            Line(label, _placed(points, across, range_), _figure(points[-1][1]))
            for label, points in finite.items()
            if points
        ),
        low=_figure(range_[0]),
        high=_figure(range_[1]),
        first=ends[0],
        last=ends[1],
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _placed(points: Points, across: tuple[float, float], range_: tuple[float, float]) -> str:
    return " ".join(
        f"{_WIDTH * _share(place, across):.1f},{_BOTTOM - (_BOTTOM - _TOP) * _share(value, range_):.1f}"
        for place, value in _thinned(points)
    )


def _thinned(points: Points) -> list[tuple[float, float]]:
    if len(points) <= _MOST:
        return list(points)
    # Of each stretch the lowest and the highest are kept: a spike stays visible.
    size = math.ceil(len(points) / (_MOST / 2))
    chosen: list[tuple[float, float]] = []
    for begin in range(0, len(points), size):
        stretch = points[begin : begin + size]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        chosen += sorted(ends)
    return chosen


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return 0.5 if high == low else (value - low) / (high - low)
