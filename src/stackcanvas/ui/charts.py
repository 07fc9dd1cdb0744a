"""A metric's history as a line that fits a box of 600 by 160."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stackcanvas.ui.context import Chart

_WIDTH, _TOP, _BOTTOM = 600.0, 8.0, 152.0
_MOST = 300


def line_chart(title: str, points: Sequence[tuple[int, float]], *, ends: tuple[str, str] | None = None) -> Chart | None:
    """A chart of values over steps, None when there is no line to draw.

    Args:
        points: step and value, in order; what is not finite is left out.
        ends: what stands at the two ends; the first and last step when None.

    Example:
        >>> line_chart("auc", [(0, 0.5), (10, 0.75)]).points
        '0.0,152.0 600.0,8.0'
    """
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    if len(finite) < 2:
        return None
    chosen = _thinned(finite)
    steps = [step for step, _ in finite]
    values = [value for _, value in finite]
    low, high, first, last = min(values), max(values), min(steps), max(steps)
    placed = [
        f"{_WIDTH * _share(step, first, last):.1f},{_BOTTOM - (_BOTTOM - _TOP) * _share(value, low, high):.1f}"
        for step, value in chosen
    ]
    return Chart(
        title=title,
        points=" ".join(placed),
        low=f"{low:.5g}",
        high=f"{high:.5g}",
        first=ends[0] if ends else f"step {first}",
        last=ends[1] if ends else f"step {last}",
        latest=f"{values[-1]:.5g}",
    )


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= _MOST:
        return list(points)
    # Of each stretch the lowest and the highest are kept: a spike stays visible.
    size = math.ceil(len(points) / (_MOST / 2))
    chosen: list[tuple[int, float]] = []
    for begin in range(0, len(points), size):
        stretch = points[begin : begin + size]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        chosen += sorted(ends)
    return chosen


def _share(value: float, low: float, high: float) -> float:
    return 0.5 if high == low else (value - low) / (high - low)
