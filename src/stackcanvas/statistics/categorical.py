"""The profile of a column of categories: texts or booleans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from stackcanvas.errors import Corrupt
from stackcanvas.late import late
from stackcanvas.statistics.distinct import Distinct

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    np = late("numpy")
    pa = late("pyarrow")
    pc = late("pyarrow.compute")

CAPACITY = 256
"""The most categories that are counted by name."""

LETTERS = 128
"""Texts are told apart by so many of their first letters."""


@dataclass(frozen=True, slots=True)
class CategoricalProfile:
    """Counts of the frequent categories and an estimate of how many there are.

    Exact up to `CAPACITY` categories. Beyond, counts are those of Misra and Gries as they merge in Agarwal et al.,
    "Mergeable summaries", 2012: each is too low by at most `error`, which is at most (rows - nulls) / (CAPACITY + 1);
    a category that is not named occurred at most `error` times. So a column of unique texts names none.

    Example:
        >>> column = CategoricalProfile.of(pa.array(["EWR", "JFK", "EWR", None]))
        >>> column.counts, column.nulls, column.distinct
        ({'EWR': 2, 'JFK': 1}, 1, 2)
    """

    kind: ClassVar[str] = "categorical"
    rows: int
    nulls: int
    counts: dict[str, int]
    error: int
    sketch: Distinct | None  # only once the counts are not exact

    @classmethod
    def of(cls, values: pa.Array) -> CategoricalProfile:
        """The profile of an Arrow array of texts, booleans, or a dictionary of texts."""
        tally = pc.value_counts(_texts(values.drop_null()))
        texts, counts = tally.field("values"), tally.field("counts").to_numpy(zero_copy_only=False)
        named, cut = _frequent(texts, counts)
        return cls(len(values), values.null_count, named, cut, Distinct.of(texts) if cut else None)

    @property
    def exact(self) -> bool:
        """Whether every category is named with its exact count."""
        return self.sketch is None

    @property
    def distinct(self) -> int:
        """How many categories there are: exact, or an estimate within about 2.3 %."""
        return len(self.counts) if self.sketch is None else self.sketch.estimate()

    @property
    def unnamed(self) -> int:
        """How many rows are neither null nor counted under a name."""
        return self.rows - self.nulls - sum(self.counts.values())

    def top(self, count: int) -> list[tuple[str, int]]:
        """The most frequent categories, the most frequent first, equal ones by name."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:count]

    def merge(self, other: CategoricalProfile) -> CategoricalProfile:
        """The profile of both sets of rows."""
        counts = dict(self.counts)
        for category, count in other.counts.items():
            counts[category] = counts.get(category, 0) + count
        cut = 0
        if len(counts) > CAPACITY:
            cut = _cut(np.fromiter(counts.values(), np.int64, len(counts)))
        exact = self.exact and other.exact and not cut
        return CategoricalProfile(
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            counts=_ordered({category: count - cut for category, count in counts.items() if count > cut}),
            error=self.error + other.error + cut,
            sketch=None if exact else self._sketched().merge(other._sketched()),
        )

    def with_nulls(self, more: int) -> CategoricalProfile:
        """The same column with so many more rows that are null."""
        return replace(self, rows=self.rows + more, nulls=self.nulls + more)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON holds it, exactly."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "nulls": self.nulls,
            "counts": self.counts,
            "error": self.error,
            "sketch": None if self.sketch is None else self.sketch.to_text(),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> CategoricalProfile:
        """The profile that `to_dict` wrote."""
        sketch = None if record["sketch"] is None else Distinct.from_text(record["sketch"])
        counts = {str(category): int(count) for category, count in record["counts"].items()}
        column = cls(int(record["rows"]), int(record["nulls"]), counts, int(record["error"]), sketch)
        if column.unnamed < 0 or (column.exact and column.unnamed):
            raise Corrupt("a column of categories has counts that do not add up", where="profile")
        return column

    def _sketched(self) -> Distinct:
        return self.sketch or Distinct.of(pa.array(list(self.counts), pa.large_string()))


def _texts(values: pa.Array) -> pa.Array:
    """The categories as texts of at most `LETTERS` letters."""
    if pa.types.is_boolean(values.type):
        return values.cast(pa.string())
    if pa.types.is_dictionary(values.type):
        # Taking has no kernel for views of text, which is how Polars gives its categories.
        values = values.dictionary.cast(pa.large_string()).take(values.indices)
    texts = values.cast(pa.large_string())
    longest = pc.max(pc.binary_length(texts)).as_py()
    return pc.utf8_slice_codeunits(texts, 0, LETTERS) if longest is not None and longest > LETTERS else texts


def _frequent(texts: pa.Array, counts: np.ndarray[Any, Any]) -> tuple[dict[str, int], int]:
    """The categories that a summary of one batch names, and by how much their counts are too low."""
    cut = _cut(counts) if len(counts) > CAPACITY else 0
    kept = np.flatnonzero(counts > cut)
    names: Iterable[str] = texts.take(pa.array(kept)).to_pylist()
    return _ordered(dict(zip(names, (counts[kept] - cut).tolist(), strict=True))), cut


def _cut(counts: np.ndarray[Any, Any]) -> int:
    """What Misra and Gries take from every counter, so that at most `CAPACITY` stay above zero."""
    return int(np.partition(counts, -CAPACITY - 1)[-CAPACITY - 1])


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """By name, so that equal profiles are equal texts."""
    return dict(sorted(counts.items()))
