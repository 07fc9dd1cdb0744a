"""Histograms that merge without loss: cells are aligned powers of two over ordered integer keys.

Every value becomes a 64-bit key that sorts as the value does (`float_keys`; instants are their microseconds). At
level L a cell holds the keys that agree above their L lowest bits. A histogram keeps only occupied cells, at the
lowest level at which there are at most `CELLS` of them. That level depends on the values alone, and the cells of a
higher level are unions of cells of a lower one; so a histogram is the same however its rows were split and merged,
merging is exactly associative and commutative, and two histograms can be compared cell by cell without any error of
the sketch.

Float keys follow the exponent and then the mantissa, so that cells are narrow where numbers are small and the
resolution follows the data over any range (the logarithmic cells of Masson, Rim and Lee, "DDSketch", VLDB 2019, with
linear sub-buckets as in HdrHistogram, and a width that the data choose).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcanvas.errors import Corrupt
from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")
    npt = late("numpy.typing")

Int64s: TypeAlias = "npt.NDArray[np.int64]"
Floats: TypeAlias = "npt.NDArray[np.float64]"

CELLS = 512
"""The most cells that one histogram keeps."""

_SINGLE_LEVEL = 29  # the bits of a double that a number of 32 bits has not
_TOP = (1 << 63) - 1
_SMALLEST_KEY = 1 << 52  # the bits of the smallest normal double
_BIGGEST_KEY = (0x7FF << 52) - 1  # the bits of the biggest double that is finite


class Bins:
    """An immutable histogram of ordered keys.

    Args:
        level: how many low bits of a key a cell leaves open.
        cells: the occupied cells (keys shifted right by `level`), ascending.
        counts: how many keys each of them holds.

    Example:
        >>> first, second = Bins.of(np.array([1, 2, 2])), Bins.of(np.array([2, 900]))
        >>> merged = first.merge(second)
        >>> merged.level, merged.cells.tolist(), merged.counts.tolist()
        (0, [1, 2, 900], [1, 3, 1])
    """

    __slots__ = ("cells", "counts", "level")

    def __init__(self, level: int, cells: Int64s, counts: Int64s) -> None:
        self.level = level
        self.cells = cells
        self.counts = counts

    @classmethod
    def of(cls, keys: Int64s) -> Bins:
        """The histogram of these keys, in any order."""
        if not len(keys):
            return cls(0, np.empty(0, np.int64), np.empty(0, np.int64))
        ordered = np.sort(keys)
        differing = (ordered[1:] ^ ordered[:-1]).view(np.uint64)
        level = _level(differing)
        starts = np.concatenate(([0], np.flatnonzero(differing >> np.uint64(level)) + 1))
        return cls(level, ordered[starts] >> level, np.diff(starts, append=len(ordered)))

    @property
    def total(self) -> int:
        """How many keys were counted."""
        return int(self.counts.sum())

    def at_level(self, level: int) -> Bins:
        """The same histogram with coarser cells.

        Raises:
            ValueError: the level is lower than the own one; what was joined cannot be parted.
        """
        if level < self.level:
            raise ValueError(f"level {level} is finer than {self.level}")
        if level == self.level or not len(self.cells):
            return Bins(level, self.cells, self.counts)
        return Bins(level, *_joined(self.cells >> (level - self.level), self.counts))

    def merge(self, other: Bins) -> Bins:
        """The histogram of both sets of keys."""
        if not len(other.cells):
            return self
        if not len(self.cells):
            return other
        level = max(self.level, other.level)
        left, right = self.at_level(level), other.at_level(level)
        cells = np.concatenate((left.cells, right.cells))
        order = np.argsort(cells, kind="stable")
        cells, counts = _joined(cells[order], np.concatenate((left.counts, right.counts))[order])
        coarser = _level((cells[1:] ^ cells[:-1]).view(np.uint64))
        return Bins(level, cells, counts).at_level(level + coarser)

    def lower_keys(self) -> Int64s:
        """The lowest key of each cell."""
        return self.cells << self.level

    def upper_keys(self) -> Int64s:
        """The highest key of each cell."""
        return self.lower_keys() | np.int64((1 << self.level) - 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bins):
            return NotImplemented
        return (
            self.level == other.level
            and np.array_equal(self.cells, other.cells)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Bins(level={self.level}, cells={len(self.cells)}, total={self.total})"

    def to_dict(self) -> dict[str, Any]:
        """The histogram as JSON holds it: the first cell, then the steps from cell to cell."""
        cells = self.cells.tolist()
        steps = [after - before for before, after in itertools.pairwise(cells)]
        return {"level": self.level, "cells": [*cells[:1], *steps], "counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Bins:
        """The histogram that `to_dict` wrote.

        Raises:
            Corrupt: the record is no histogram.
        """
        try:
            level, steps, counts = int(record["level"]), record["cells"], record["counts"]
            cells = np.array(_running_sum(steps), dtype=np.int64)
            histogram = cls(level, cells, np.array(counts, dtype=np.int64))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Corrupt(f"a histogram cannot be read: {error}", where="profile") from error
        whole = len(steps) == len(counts) and 0 <= level < 64
        if not whole or (cells[1:] <= cells[:-1]).any() or (histogram.counts <= 0).any():
            raise Corrupt("a histogram's cells and counts do not fit together", where="profile")
        return histogram


def float_keys(values: Floats) -> Int64s:
    """Integer keys that sort as these finite numbers do.

    Zero has one key, whatever its sign, and numbers nearer to it than 2.2e-308 (where precision is lost) share it: so
    the many zeros of a column have a cell of their own at every level that occurs.

    Example:
        >>> keys = float_keys(np.array([-1.5, -0.0, 0.0, 1e-300, 2.0]))
        >>> bool((np.diff(keys) >= 0).all()), float_values(keys).tolist()
        (True, [-1.5, 0.0, 0.0, 1e-300, 2.0])
    """
    bits = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.int64)
    keys = bits ^ ((bits >> np.int64(63)) & _TOP)
    return np.where((bits & _TOP) < _SMALLEST_KEY, np.int64(0), keys)


def float_values(keys: Int64s) -> Floats:
    """The numbers of these keys; keys past the last finite number give that number."""
    kept = np.clip(keys, -_BIGGEST_KEY - 1, _BIGGEST_KEY)
    kept = np.where((kept >= -_SMALLEST_KEY) & (kept < _SMALLEST_KEY), np.int64(0), kept)
    return (kept ^ ((kept >> np.int64(63)) & _TOP)).view(np.float64)


def is_single(bins: Bins) -> bool:
    """Whether every float behind these cells may be a number of 32 bits: the bits beyond those are not set.

    Example:
        >>> tenth = np.array([0.1])
        >>> is_single(Bins.of(float_keys(tenth))), is_single(Bins.of(float_keys(tenth.astype(np.float32))))
        (False, True)
    """
    if bins.level >= _SINGLE_LEVEL:
        return True
    keys = bins.lower_keys()
    beyond = (keys ^ (keys >> np.int64(63))) & np.int64((1 << _SINGLE_LEVEL) - 1)
    return not (beyond >> bins.level).any()


def quantiles(bins: Bins, shares: Sequence[float], *, lower: Floats, upper: Floats) -> list[float]:
    """Values below which these shares of the keys lie, by linear interpolation within a cell.

    The rank of what is given differs from the rank asked for by at most the count of one cell.

    Args:
        bins: the histogram; not empty.
        shares: each from 0 to 1.
        lower: the lowest value of each cell.
        upper: the highest value of each cell.
    """
    ends = np.cumsum(bins.counts)
    ranks = np.asarray(shares, dtype=np.float64) * (ends[-1] - 1)
    cell = np.minimum(np.searchsorted(ends, ranks, side="right"), len(ends) - 1)
    counts = bins.counts[cell]
    within = (ranks - (ends[cell] - counts) + 0.5) / counts
    # Halves are taken before the difference, which could overflow between the two ends of the number line.
    width = upper[cell] / 2 - lower[cell] / 2
    found = np.where(width == 0, lower[cell], lower[cell] + np.clip(within, 0, 1) * width * 2)
    return [float(value) for value in found]


def _level(differing: npt.NDArray[np.uint64]) -> int:
    """The lowest level at which at most `CELLS` cells are occupied, from neighbours' exclusive or.

    Two neighbours lie in different cells of a level when they differ at or above that bit; so with the
    `CELLS`-th largest difference below the bit, there are at most `CELLS` - 1 boundaries.
    """
    if len(differing) < CELLS:
        return 0
    return int(np.partition(differing, -CELLS)[-CELLS]).bit_length()


def _joined(cells: Int64s, counts: Int64s) -> tuple[Int64s, Int64s]:
    """Sorted cells with equal ones added up."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(cells)) + 1))
    return cells[starts], np.add.reduceat(counts, starts)


def _running_sum(steps: Sequence[object]) -> list[int]:
    total, sums = 0, []
    for step in steps:
        if type(step) is not int:
            raise TypeError(f"{step!r} is not a whole number")
        total += step
        sums.append(total)
    return sums
