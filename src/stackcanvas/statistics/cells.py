"""Two profiles of one column as counts over the same cells: what distances and tests are computed from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from stackcanvas.late import late
from stackcanvas.statistics.bins import float_values, is_single
from stackcanvas.statistics.categorical import CategoricalProfile
from stackcanvas.statistics.numeric import NumericProfile
from stackcanvas.statistics.profile import ColumnProfile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")
    npt = late("numpy.typing")

Counts: TypeAlias = "npt.NDArray[np.float64]"

MOST = 20
"""The most cells of a numeric column, and of named categories."""

_ROWS_PER_CELL = 20
_ROUNDED_LEVEL = 40
EXPECTED = 5.0
"""The fewest rows that a cell should be expected to hold in the chi-square test."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of two samples over the same cells.

    Args:
        labels: what each cell holds, for people.
        reference: how many rows of the reference lie in each.
        current: how many rows of the current sample do.
        new: the share of current rows whose category the reference never had.
        rare: whether the last cell is one of rare values, joined.
    """

    labels: list[str]
    reference: Counts
    current: Counts
    new: float = 0.0
    rare: bool = False


def paired(reference: ColumnProfile, current: ColumnProfile) -> Cells:
    """The cells of two profiles; kinds that are not compared by value are compared by their nulls.

    Cells of numbers hold about equal shares of both samples together, so that they favour neither. Cells that would
    be expected to hold fewer than five rows of the smaller sample are joined (Cochran, "Some methods for
    strengthening the common chi-square tests", 1954); together they may still be expected to hold fewer.

    Example:
        >>> from stackcanvas.statistics.profile import Profile
        >>> before = Profile.of({"x": np.array(["a"] * 60 + ["b"] * 40)}).columns["x"]
        >>> after = Profile.of({"x": np.array(["a"] * 40 + ["c"] * 60)}).columns["x"]
        >>> cells = paired(before, after)
        >>> cells.labels, cells.reference.tolist(), cells.current.tolist(), cells.new
        (['a', 'c', 'b'], [60.0, 0.0, 40.0], [40.0, 60.0, 0.0], 0.6)
    """
    # Null and NaN are one: where they are told apart in training, they often are not in traffic.
    labels: list[str] = ["missing"]
    before, after = [float(missing(reference))], [float(missing(current))]
    new = 0.0
    if isinstance(reference, NumericProfile) and isinstance(current, NumericProfile):
        inner = _numeric(reference, current)
        labels.append("infinite")
        before.append(reference.infinite)
        after.append(current.infinite)
    elif isinstance(reference, CategoricalProfile) and isinstance(current, CategoricalProfile):
        inner = _categorical(reference, current)
        new = inner.new
    else:
        known = (float(reference.rows - reference.nulls), float(current.rows - current.nulls))
        inner = Cells(["a value"], np.array(known[:1]), np.array(known[1:]))
    joined = Cells(
        [*inner.labels, *labels],
        np.concatenate((inner.reference, before)),
        np.concatenate((inner.current, after)),
        new,
    )
    return _with_rare_joined(joined)


def missing(column: ColumnProfile) -> int:
    """How many rows have no value: null or NaN."""
    return column.nulls + (column.nans if isinstance(column, NumericProfile) else 0)


def as_categories(column: ColumnProfile) -> ColumnProfile:
    """A column of nothing but zeros and ones as false and true; any other as it is.

    Example:
        >>> from stackcanvas.statistics.profile import Profile
        >>> as_categories(Profile.of({"x": np.array([0.0, 1.0, 1.0])}).columns["x"]).counts
        {'false': 1, 'true': 2}
    """
    if not isinstance(column, NumericProfile) or column.nans or column.infinite or column.distinct is None:
        return column
    names = {0.0: "false", 1.0: "true"}
    values, counts = float_values(column.bins.cells).tolist(), column.bins.counts.tolist()
    if not set(values) <= names.keys():
        return column
    found = {names[value]: count for value, count in zip(values, counts, strict=True)}
    return CategoricalProfile(column.rows, column.nulls, found, error=0, sketch=None)


def _numeric(reference: NumericProfile, current: NumericProfile) -> Cells:
    level = max(reference.bins.level, current.bins.level)
    if is_single(reference.bins) != is_single(current.bins):
        # One side was rounded to 32 bits, as models take them: cells must be so wide that hardly a value left its own.
        level = max(level, _ROUNDED_LEVEL)
    before, after = reference.bins.at_level(level), current.bins.at_level(level)
    every = np.union1d(before.cells, after.cells)
    if not len(every):
        return Cells([], np.empty(0), np.empty(0))
    counts = np.zeros((2, len(every)))
    counts[0, np.searchsorted(every, before.cells)] = before.counts
    counts[1, np.searchsorted(every, after.cells)] = after.counts
    both = counts.sum(axis=0)
    # Whatever the labels of the rows, these cells are the same: so the test keeps its level.
    wanted = min(MOST, max(2, min(reference.finite, current.finite) // _ROWS_PER_CELL))
    middle = (np.cumsum(both) - both / 2) / both.sum()
    starts = np.concatenate(([0], np.flatnonzero(np.diff(np.floor(middle * wanted))) + 1))
    lower = float_values(every[starts] << level)
    upper = float_values((every[np.append(starts[1:], len(every)) - 1] << level) | ((1 << level) - 1))
    labels = [
        f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in zip(lower, upper, strict=True)
    ]
    grouped = np.add.reduceat(counts, starts, axis=1)
    return Cells(labels, grouped[0], grouped[1])


def _categorical(reference: CategoricalProfile, current: CategoricalProfile) -> Cells:
    """The most frequent categories of both together; what is new beyond chance; and the others."""
    rows = reference.rows - reference.nulls, current.rows - current.nulls
    both = {
        name: _most(reference, name) + _most(current, name) for name in reference.counts.keys() | current.counts.keys()
    }
    # By the count in both, so that the choice is the same whatever the labels of the rows. A count that may be wrong
    # by its own size says nothing.
    named = sorted(both, key=lambda name: (-both[name], name))[:MOST]
    named = [name for name in named if both[name] > 2 * (reference.error + current.error)]
    before = np.array([_most(reference, name) for name in named], dtype=np.float64)
    after = np.array([_most(current, name) for name in named], dtype=np.float64)
    unseen = [name for name in current.counts if reference.exact and name not in reference.counts]
    fresh = _beyond_chance(both, unseen=[name for name in unseen if name not in named], rows=rows)
    rest = max(0.0, rows[0] - before.sum()), max(0.0, rows[1] - after.sum() - fresh)
    new = sum(_most(current, name) for name in unseen) / current.rows if unseen else 0.0
    return Cells(
        [*named, "new ones", "others"], np.array([*before, 0.0, rest[0]]), np.array([*after, fresh, rest[1]]), new
    )


def _beyond_chance(both: dict[str, int], *, unseen: list[str], rows: tuple[int, int]) -> float:
    """How many current rows have categories that the reference lacks, beyond three deviations of what chance gives.

    With no drift the labels of the rows are exchangeable: a category that occurs c times in both samples is missing
    in the reference with the probability that all its rows are current ones.
    """
    if not unseen:
        return 0.0
    counts = np.array([count for count in both.values() if count > 0], dtype=np.float64)
    missing = (rows[1] / (rows[0] + rows[1])) ** counts
    mean = float((counts * missing).sum())
    deviation = math.sqrt(float((counts**2 * missing * (1 - missing)).sum()) + 1)
    return max(0.0, sum(both[name] for name in unseen) - mean - 3 * deviation)


def _most(column: CategoricalProfile, name: str) -> int:
    """The most rows that a category can have; the same bound on both sides, so that the errors cancel."""
    return column.counts.get(name, 0) + column.error


def _with_rare_joined(cells: Cells) -> Cells:
    """Rare cells as one, which comes last."""
    rows = np.array([cells.reference.sum(), cells.current.sum()])
    both = cells.reference + cells.current
    rare = (both > 0) & (both * (rows.min() / max(1.0, rows.sum())) < EXPECTED)
    kept = (both > 0) & ~rare
    labels = [label for label, keep in zip(cells.labels, kept, strict=True) if keep]
    reference, current = cells.reference[kept], cells.current[kept]
    if rare.any():
        names = [label for label, one in zip(cells.labels, rare, strict=True) if one]
        labels.append(" or ".join(names) if len(names) <= 3 else f"{len(names)} rare ones")
        reference = np.append(reference, cells.reference[rare].sum())
        current = np.append(current, cells.current[rare].sum())
    return Cells(labels, reference, current, new=cells.new, rare=bool(rare.any()))
