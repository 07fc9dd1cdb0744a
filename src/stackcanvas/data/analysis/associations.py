"""How strongly columns go together, learnt in one pass over the rows and in constant memory.

Numbers and instants enter as their ranks, which the histograms of their profiles give; categories as one column of
zeros and ones for each of the frequent ones. Every measure between two columns then stands in one matrix of sums of
products, which adds up part by part. Rows that lack one of the two values do not count for that pair.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcanvas.late import late
from stackcanvas.statistics import CategoricalProfile, InstantProfile, NumericProfile, Profile
from stackcanvas.statistics.bins import Bins, float_keys

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl
else:
    np = late("numpy")
    npt = late("numpy.typing")
    pl = late("polars")

MOST_COLUMNS = 60
"""The most columns that are set against each other; their pairs are what people can still look at."""

LEVELS = 12
"""The most categories of a column that are told apart; the others count as one."""

MIN_ROWS = 30
"""With fewer rows that have both values nothing is said of a pair."""

_PART_ROWS = 1 << 14
_LETTERS = 128

Matrix: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Association:
    """How strongly two columns go together.

    Args:
        method: `rank correlation` of two columns of numbers (Spearman); `Cramer's V` of two of categories (corrected
            for chance: Bergsma, "A bias-correction for Cramer's V", 2013); `correlation ratio` of one of each, over
            the ranks of the numbers and corrected for chance (Kelley, 1935).
        strength: from 0 (nothing) to 1 (one tells the other); a rank correlation from -1 to 1.
        rows: how many have both values.
    """

    left: str
    right: str
    method: str
    strength: float
    rows: int


@dataclass(frozen=True, slots=True)
class Associations:
    """What goes together in a table.

    Args:
        columns: those that were looked at, in the order of the table.
        pairs: all of them, the strongest first.
        left_out: columns that are not compared: constant ones, free text, lists, and those beyond `MOST_COLUMNS`.
    """

    columns: tuple[str, ...]
    pairs: tuple[Association, ...]
    left_out: tuple[str, ...]

    def of(self, column: str) -> list[Association]:
        """The pairs of one column, the strongest first."""
        return [pair for pair in self.pairs if column in {pair.left, pair.right}]


class Gathering:
    """Takes a table part by part.

    Args:
        profile: of the same rows, or of rows like them: it gives ranks and frequent categories.
        first: columns that must be among those looked at.
    """

    def __init__(self, profile: Profile, *, first: tuple[str, ...] = ()) -> None:
        order = sorted(profile.columns, key=lambda name: name not in first)
        able = {name: encoder for name in order if (encoder := _encoder(profile.columns[name])) is not None}
        chosen = set(itertools.islice(able, MOST_COLUMNS))
        self._encoders: dict[str, _Ranks | _Levels] = {name: able[name] for name in profile.columns if name in chosen}
        self._left_out = tuple(name for name in profile.columns if name not in chosen)
        self._places = _places(self._encoders)
        width = sum(encoder.width for encoder in self._encoders.values())
        self._sums: Matrix = np.zeros((width, width))

    @property
    def columns(self) -> tuple[str, ...]:
        """What of a table it looks at."""
        return tuple(self._encoders)

    def add(self, part: pl.DataFrame) -> None:
        """The next rows."""
        if not self._encoders:
            return
        for piece in part.iter_slices(_PART_ROWS):
            encoded = np.zeros((piece.height, self._sums.shape[0]), np.float32)
            for name, encoder in self._encoders.items():
                encoder.write(piece[name], encoded[:, self._places[name]])
            self._sums += encoded.T @ encoded

    def result(self) -> Associations:
        """What was learnt."""
        pairs = []
        for left, right in itertools.combinations(self._encoders, 2):
            found = _measured(
                self._sums[self._places[left], self._places[right]],
                (self._encoders[left], self._encoders[right]),
            )
            if found is not None:
                pairs.append(Association(left, right, *found))
        pairs.sort(key=lambda pair: (-abs(pair.strength), pair.left, pair.right))
        return Associations(self.columns, tuple(pairs), self._left_out)


class _Ranks:
    """Numbers as ranks from -1/2 to 1/2: three columns, rank, its square, and whether there is one."""

    width = 3

    def __init__(self, bins: Bins, *, instants: bool) -> None:
        self._bins = bins
        self._instants = instants
        ends = np.cumsum(bins.counts)
        self._ranks = (ends - bins.counts / 2) / ends[-1] - 0.5

    def write(self, values: pl.Series, target: npt.NDArray[np.float32]) -> None:
        if self._instants:
            known = values.is_not_null().to_numpy()
            keys = values.cast(pl.Datetime("us"), strict=False).to_physical().fill_null(0).to_numpy()
        else:
            numbers = values.to_physical().cast(pl.Float64, strict=False).fill_null(math.nan).to_numpy()
            known = np.isfinite(numbers)
            keys = float_keys(np.where(known, numbers, 0.0))
        place = np.searchsorted(self._bins.cells, keys.astype(np.int64) >> self._bins.level)
        ranks = np.where(known, self._ranks[np.minimum(place, len(self._ranks) - 1)], 0.0)
        target[:, 0], target[:, 1], target[:, 2] = ranks, ranks * ranks, known


class _Levels:
    """Categories, a column for each of the frequent ones and one for all others."""

    def __init__(self, names: list[str]) -> None:
        self._codes = {name: code for code, name in enumerate(names)}
        self.width = len(names) + 1

    def write(self, values: pl.Series, target: npt.NDArray[np.float32]) -> None:
        texts = values.cast(pl.String).str.slice(0, _LETTERS)
        codes = texts.replace_strict(self._codes, default=len(self._codes), return_dtype=pl.Int16)
        known = texts.is_not_null().to_numpy()
        rows = np.flatnonzero(known)
        target[rows, codes.to_numpy()[rows].astype(np.int64)] = 1.0


def _encoder(column: Any) -> _Ranks | _Levels | None:
    """How a column enters; None where it says nothing about others."""
    if isinstance(column, NumericProfile) and column.finite and column.distinct != 1:
        return _Ranks(column.bins, instants=False)
    if isinstance(column, InstantProfile) and column.minimum_us != column.maximum_us:
        return _Ranks(column.bins, instants=True)
    if isinstance(column, CategoricalProfile) and column.distinct > 1:
        top = column.top(LEVELS)
        # Where the frequent ones are few of all rows, it is free text or an identifier.
        if 2 * sum(count for _, count in top) >= column.rows - column.nulls:
            return _Levels([name for name, _ in top])
    return None


def _places(encoders: Mapping[str, _Ranks | _Levels]) -> dict[str, slice]:
    places, start = {}, 0
    for name, encoder in encoders.items():
        places[name] = slice(start, start + encoder.width)
        start += encoder.width
    return places


def _measured(cross: Matrix, encoders: tuple[_Ranks | _Levels, _Ranks | _Levels]) -> tuple[str, float, int] | None:
    """The measure of a pair: what it is called, how strong, over how many rows."""
    left, right = (isinstance(encoder, _Ranks) for encoder in encoders)
    if left and right:
        return _correlation(cross)
    if not left and not right:
        return _cramer(cross)
    return _ratio(cross if left else cross.T)


def _correlation(cross: Matrix) -> tuple[str, float, int] | None:
    rows = cross[2, 2]
    if rows < MIN_ROWS:
        return None
    one, two = cross[0, 2] / rows, cross[2, 0] / rows
    spread = (cross[1, 2] / rows - one * one) * (cross[2, 1] / rows - two * two)
    if spread <= 1e-12:
        return None
    strength = (cross[0, 0] / rows - one * two) / math.sqrt(spread)
    return "rank correlation", float(np.clip(strength, -1, 1)), round(rows)


def _cramer(cross: Matrix) -> tuple[str, float, int] | None:
    table = cross[cross.sum(axis=1) > 0][:, cross.sum(axis=0) > 0]
    rows = table.sum()
    if rows < MIN_ROWS or min(table.shape) < 2:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    square = float(((table - expected) ** 2 / expected).sum()) / rows
    high, wide = table.shape
    free = (high - 1) * (wide - 1) / (rows - 1)
    most = min(high - (high - 1) ** 2 / (rows - 1), wide - (wide - 1) ** 2 / (rows - 1)) - 1
    return "Cramer's V", math.sqrt(min(1.0, max(0.0, square - free) / most)) if most > 0 else 0.0, round(rows)


def _ratio(cross: Matrix) -> tuple[str, float, int] | None:
    """The correlation ratio of ranks (rows of the matrix) by category (its columns)."""
    counts = cross[2]
    filled = counts > 0
    rows, groups = counts.sum(), int(filled.sum())
    if rows < MIN_ROWS or groups < 2 or rows <= groups:
        return None
    mean = cross[0].sum() / rows
    whole = cross[1].sum() / rows - mean * mean
    if whole <= 1e-12:
        return None
    between = float((cross[0][filled] ** 2 / counts[filled]).sum()) / rows - mean * mean
    share = 1 - (1 - min(1.0, between / whole)) * (rows - 1) / (rows - groups)
    return "correlation ratio", math.sqrt(min(1.0, max(0.0, share))), round(rows)
