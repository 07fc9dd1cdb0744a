"""The profile of a column of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from stackcanvas.errors import Corrupt
from stackcanvas.late import late
from stackcanvas.statistics.bins import Bins, Floats, float_keys, float_values, quantiles

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")

_COUNTS = ("rows", "nulls", "nans", "infinite")


@dataclass(frozen=True, slots=True)
class NumericProfile:
    """Counts, moments, extremes and the histogram of a column of numbers.

    Integers count as the nearest double; NaN and the infinities are counted apart and enter neither the moments nor
    the histogram. Counts, extremes and histogram merge exactly; mean and variance to within rounding.

    Example:
        >>> column = NumericProfile.of(np.array([1.0, 2.0, 3.0, np.nan]), rows=5)
        >>> column.mean, column.std, column.nans, column.nulls, column.quantile(0.5)
        (2.0, 1.0, 1, 1, 2.0)
    """

    kind: ClassVar[str] = "numeric"
    rows: int
    nulls: int
    nans: int
    infinite: int
    minimum: float
    maximum: float
    mean: float
    squares: float  # the sum of squared differences from the mean
    bins: Bins

    @classmethod
    def of(cls, values: Floats, *, rows: int | None = None) -> NumericProfile:
        """The profile of these numbers; `rows` counts the nulls that were left out of them, too."""
        total = len(values)
        rows = total if rows is None else rows
        finite = values[np.isfinite(values)] if not np.isfinite(values).all() else values
        nans = int(np.isnan(values).sum()) if len(finite) < total else 0
        counts = {"rows": rows, "nulls": rows - total, "nans": nans, "infinite": total - len(finite) - nans}
        if not len(finite):
            return cls(
                **counts, minimum=math.nan, maximum=math.nan, mean=math.nan, squares=0.0, bins=Bins.of(np.empty(0, int))
            )
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(finite.mean())
            squares = float(np.square(finite - mean).sum())
        return cls(
            **counts,
            minimum=float(finite.min()),
            maximum=float(finite.max()),
            mean=mean,
            squares=squares,
            bins=Bins.of(float_keys(finite)),
        )

    @property
    def finite(self) -> int:
        """How many numbers the moments and the histogram hold."""
        return self.rows - self.nulls - self.nans - self.infinite

    @property
    def variance(self) -> float:
        """The unbiased variance; NaN with fewer than two numbers."""
        return self.squares / (self.finite - 1) if self.finite > 1 else math.nan

    @property
    def std(self) -> float:
        """The standard deviation; NaN with fewer than two numbers."""
        return math.sqrt(self.variance)

    @property
    def distinct(self) -> int | None:
        """How many different numbers there are, or None when they are more than the histogram tells apart."""
        return len(self.bins.cells) if self.bins.level == 0 else None

    def quantile(self, share: float) -> float:
        """The number below which this share of the numbers lies; NaN when there is none."""
        return self.quantiles([share])[0]

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Several quantiles at once; exact as long as there are at most `bins.CELLS` different numbers."""
        if not self.finite:
            return [math.nan] * len(shares)
        lower, upper = float_values(self.bins.lower_keys()), float_values(self.bins.upper_keys())
        found = quantiles(self.bins, shares, lower=lower, upper=upper)
        return [min(max(value, self.minimum), self.maximum) for value in found]

    def merge(self, other: NumericProfile) -> NumericProfile:
        """The profile of both sets of rows.

        Means and variances are joined as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm
        for computing sample variances", 1979.
        """
        counts: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        if not other.finite:
            return replace(self, **counts)
        if not self.finite:
            return replace(other, **counts)
        total = self.finite + other.finite
        step = other.mean - self.mean
        return NumericProfile(
            **counts,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            mean=self.mean + step * (other.finite / total),
            squares=self.squares + other.squares + step * step * self.finite * (other.finite / total),
            bins=self.bins.merge(other.bins),
        )

    def with_nulls(self, more: int) -> NumericProfile:
        """The same column with so many more rows that are null."""
        return replace(self, rows=self.rows + more, nulls=self.nulls + more)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON holds it, exactly."""
        return {
            "kind": self.kind,
            **{name: getattr(self, name) for name in _COUNTS},
            **{name: _text(getattr(self, name)) for name in ("minimum", "maximum", "mean", "squares")},
            "bins": self.bins.to_dict(),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> NumericProfile:
        """The profile that `to_dict` wrote."""
        counts = {name: int(record[name]) for name in _COUNTS}
        column = cls(
            **counts,
            minimum=float(record["minimum"]),
            maximum=float(record["maximum"]),
            mean=float(record["mean"]),
            squares=float(record["squares"]),
            bins=Bins.from_dict(record["bins"]),
        )
        if column.finite != column.bins.total:
            raise Corrupt("a numeric column's counts do not add up", where="profile")
        return column

    def __eq__(self, other: object) -> bool:
        # NaN stands for "no number", so it equals itself here.
        return isinstance(other, NumericProfile) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


def _text(value: float) -> float | str:
    """Numbers that strict JSON cannot hold become their name, which `float` reads back."""
    return value if math.isfinite(value) else str(value)
