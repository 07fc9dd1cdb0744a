"""The profile of a column of instants or dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from stackcanvas.clock import from_us
from stackcanvas.errors import Corrupt
from stackcanvas.late import late
from stackcanvas.statistics.bins import Bins, Int64s, quantiles

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")


@dataclass(frozen=True, slots=True)
class InstantProfile:
    """Counts, extremes and the histogram of a column of instants, in microseconds since 1970.

    Instants without a zone are taken as UTC.

    Example:
        >>> column = InstantProfile.of(np.array([0, 86_400_000_000]), rows=2)
        >>> column.maximum.isoformat()
        '1970-01-02T00:00:00+00:00'
    """

    kind: ClassVar[str] = "instant"
    rows: int
    nulls: int
    minimum_us: int | None
    maximum_us: int | None
    bins: Bins

    @classmethod
    def of(cls, instants_us: Int64s, *, rows: int) -> InstantProfile:
        """The profile of these instants; `rows` counts the nulls that were left out of them, too."""
        known = len(instants_us) > 0
        return cls(
            rows=rows,
            nulls=rows - len(instants_us),
            minimum_us=int(instants_us.min()) if known else None,
            maximum_us=int(instants_us.max()) if known else None,
            bins=Bins.of(instants_us),
        )

    @property
    def minimum(self) -> datetime | None:
        """The earliest instant."""
        return None if self.minimum_us is None else from_us(self.minimum_us)

    @property
    def maximum(self) -> datetime | None:
        """The latest instant."""
        return None if self.maximum_us is None else from_us(self.maximum_us)

    def quantiles(self, shares: Sequence[float]) -> list[datetime]:
        """The instants before which these shares lie; empty when there is no instant."""
        if self.minimum_us is None or self.maximum_us is None:
            return []
        lower, upper = (keys.astype(np.float64) for keys in (self.bins.lower_keys(), self.bins.upper_keys()))
        found = quantiles(self.bins, shares, lower=lower, upper=upper)
        return [from_us(min(max(round(value), self.minimum_us), self.maximum_us)) for value in found]

    def merge(self, other: InstantProfile) -> InstantProfile:
        """The profile of both sets of rows."""
        lows = [low for low in (self.minimum_us, other.minimum_us) if low is not None]
        highs = [high for high in (self.maximum_us, other.maximum_us) if high is not None]
        return InstantProfile(
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            minimum_us=min(lows, default=None),
            maximum_us=max(highs, default=None),
            bins=self.bins.merge(other.bins),
        )

    def with_nulls(self, more: int) -> InstantProfile:
        """The same column with so many more rows that are null."""
        return replace(self, rows=self.rows + more, nulls=self.nulls + more)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON holds it, exactly."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "nulls": self.nulls,
            "minimum_us": self.minimum_us,
            "maximum_us": self.maximum_us,
            "bins": self.bins.to_dict(),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> InstantProfile:
        """The profile that `to_dict` wrote."""
        bins = Bins.from_dict(record["bins"])
        column = cls(int(record["rows"]), int(record["nulls"]), record["minimum_us"], record["maximum_us"], bins)
        if column.rows - column.nulls != bins.total:
            raise Corrupt("a column of instants has counts that do not add up", where="profile")
        return column
