"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_HEIGHTS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], *, width: int = 40) -> str:
    """The values as blocks of eight heights, several to a block where there are many; a dot where none is finite.

    Example:
        >>> spark([1, 2, 3, 8]), spark([5.0]), spark([1.0, float("nan"), 1.0])
        ('▁▂▃█', '▄', '▄·▄')
    """
    size = max(1, math.ceil(len(values) / width))
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    finite = [[value for value in group if math.isfinite(value)] for group in groups]
    means = [math.fsum(group) / len(group) if group else None for group in finite]
    known = [mean for mean in means if mean is not None]
    if not known:
        return "·" * len(means)
    low, range_ = min(known), max(known) - min(known)
    return "".join("·" if mean is None else _HEIGHTS[_height(mean, low, range_)] for mean in means)


def _height(value: float, low: float, range_: float) -> int:
    return round((value - low) / range_ * (len(_HEIGHTS) - 1)) if range_ > 0 else 3
