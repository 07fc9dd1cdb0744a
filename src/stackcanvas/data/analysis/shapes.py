"""The shape of a column's values as bars: of one profile, or of two over the same bars."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcanvas.late import late
from stackcanvas.statistics import CategoricalProfile, InstantProfile, NumericProfile
from stackcanvas.statistics.bins import Bins, float_values
from stackcanvas.statistics.profile import ColumnProfile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")
    npt = late("numpy.typing")

BARS = 40
_DISCRETE = 24
NAMED = 10
"""So many categories have a bar of their own."""

_FAR = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Shape:
    """Bars of one or several profiles.

    Args:
        kind: `bars` along a line of numbers or instants, or `names` for categories.
        labels: what each bar holds.
        counts: for each profile the rows of each bar.
        ends: what stands at the two ends of the line; empty for names.
        cut: whether far values were taken into the first and last bar.
    """

    kind: str
    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    ends: tuple[str, ...] = ()
    cut: bool = False


def shape(*columns: ColumnProfile) -> Shape | None:
    """The bars of profiles of one kind; None where there is nothing to draw."""
    numeric = [column for column in columns if isinstance(column, NumericProfile)]
    instants = [column for column in columns if isinstance(column, InstantProfile)]
    named = [column for column in columns if isinstance(column, CategoricalProfile)]
    if len(numeric) == len(columns) and any(column.finite for column in numeric):
        return _of_numbers(numeric)
    if len(instants) == len(columns) and any(column.minimum_us is not None for column in instants):
        return _of_instants(instants)
    if len(named) == len(columns) and any(column.counts for column in named):
        return _of_names(named)
    return None


def instant_text(instant_us: float, *, width_us: float = 0.0) -> str:
    """An instant as finely as the width of what is shown asks for.

    Example:
        >>> instant_text(0, width_us=1e15), instant_text(0, width_us=1e9)
        ('1970-01-01', '1970-01-01 00:00:00')
    """
    try:
        found = _EPOCH + timedelta(microseconds=int(instant_us))
    except OverflowError:
        return "out of any calendar"
    return f"{found:%Y-%m-%d}" if width_us > 2 * 86_400e6 else f"{found:%Y-%m-%d %H:%M:%S}"


def figure(value: float) -> str:
    """A number as short as it can be told apart.

    Example:
        >>> figure(1234567.0), figure(0.000012345), figure(12.0)
        ('1,234,567', '1.234e-05', '12')
    """
    if value == int(value) and abs(value) < 1e9 if np.isfinite(value) else False:
        return f"{int(value):,}"
    return f"{value:,.1f}" if 1000 <= abs(value) < 1e6 else f"{value:.4g}"


def _of_numbers(columns: Sequence[NumericProfile]) -> Shape:
    filled = [column for column in columns if column.finite]
    cells = [float_values(column.bins.cells) for column in filled if column.bins.level == 0]
    values = np.unique(np.concatenate([*cells, np.empty(0)]))
    if len(cells) == len(filled) and len(values) <= _DISCRETE:
        counts = tuple(_at(values, column) for column in columns)
        return Shape("bars", tuple(figure(value) for value in values), counts, (figure(values[0]), figure(values[-1])))
    low, high = min(column.minimum for column in filled), max(column.maximum for column in filled)
    # Where a few far values would press all others into one bar, they join the bars at the ends.
    first = min(column.quantile(0.01) for column in filled)
    last = max(column.quantile(0.99) for column in filled)
    cut = last > first and (high / _FAR - low / _FAR) > (last - first)
    edges = np.linspace(first, last, BARS + 1) if cut else np.linspace(low, high, BARS + 1)
    counts = tuple(
        _spread(column.bins, edges, float_values(column.bins.lower_keys()), float_values(column.bins.upper_keys()))
        for column in columns
    )
    labels = tuple(f"{figure(one)} to {figure(two)}" for one, two in itertools.pairwise(edges))
    return Shape("bars", labels, counts, (figure(edges[0]), figure(edges[-1])), cut)


def _of_instants(columns: Sequence[InstantProfile]) -> Shape:
    lows = [column.minimum_us for column in columns if column.minimum_us is not None]
    highs = [column.maximum_us for column in columns if column.maximum_us is not None]
    low, high = float(min(lows)), float(max(highs))
    edges = np.linspace(low, max(high, low + 1), BARS + 1)
    counts = tuple(
        _spread(
            column.bins,
            edges,
            *(keys.astype(np.float64) for keys in (column.bins.lower_keys(), column.bins.upper_keys())),
        )
        for column in columns
    )
    said = [instant_text(edge, width_us=high - low) for edge in edges]
    labels = tuple(f"{one} to {two}" for one, two in itertools.pairwise(said))
    return Shape("bars", labels, counts, (said[0], said[-1]))


def _of_names(columns: Sequence[CategoricalProfile]) -> Shape:
    both: dict[str, float] = {}
    for column in columns:
        known = max(1, column.rows - column.nulls)
        for name, count in column.counts.items():
            both[name] = both.get(name, 0.0) + count / known
    names = sorted(both, key=lambda name: (-both[name], name))[:NAMED]
    counts = tuple(tuple(float(column.counts.get(name, 0)) for name in names) for column in columns)
    rest = tuple(column.rows - column.nulls - sum(own) for column, own in zip(columns, counts, strict=True))
    if not any(rest):
        return Shape("names", tuple(names), counts)
    more = tuple((*own, float(left)) for own, left in zip(counts, rest, strict=True))
    return Shape("names", (*names, "all others"), more)


def _at(values: Floats, column: NumericProfile) -> tuple[float, ...]:
    counts = np.zeros(len(values))
    if column.finite:
        counts[np.searchsorted(values, float_values(column.bins.cells))] = column.bins.counts
    return tuple(counts.tolist())


def _spread(bins: Bins, edges: Floats, lower: Floats, upper: Floats) -> tuple[float, ...]:
    """The counts of cells over bars, a cell that reaches over several divided by its width."""
    counts = np.zeros(len(edges) - 1)
    if not len(bins.cells):
        return tuple(counts.tolist())
    # The share of each cell below every edge, so that nothing is counted twice or lost.
    width: Any = np.maximum(upper / 2 - lower / 2, np.finfo(np.float64).tiny)
    with np.errstate(over="ignore", invalid="ignore"):
        below = np.clip((edges[:, None] / 2 - lower[None, :] / 2) / width[None, :], 0, 1)
    below[0], below[-1] = 0, 1
    below[1:-1] = np.where(width[None, :] > np.finfo(np.float64).tiny, below[1:-1], edges[1:-1, None] > lower[None, :])
    counts = np.diff(below @ bins.counts)
    return tuple(np.maximum(counts, 0).round(3).tolist())
