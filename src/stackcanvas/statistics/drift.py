"""Drift: how far a table has moved from its reference, column by column and as a whole.

A column has drifted when both hold: the distance is large enough to matter, and larger than chance explains. The
second alone would flag everything at a million rows, the first alone much of what is small. Rows are taken as
independent of each other; where they are not (many rows of one hour share its weather) chance explains more than the
p-value says, and only the distance protects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.statistics.cells import EXPECTED, Cells, as_categories, missing, paired
from stackcanvas.statistics.chance import chi_square_tail, holm, hypergeometric_tail
from stackcanvas.statistics.profile import ColumnProfile, OpaqueProfile, Profile

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")

THRESHOLD = 0.05
"""The Jensen-Shannon distance from which a column has drifted: normal numbers moved by an eighth of their standard
deviation or spread by a tenth; a share that went from 50 to 56 %; one row in two hundred that is newly null."""

LEVEL = 0.04
"""What corrected p-values are compared with. With few rows the chi-square test errs a little more often than it says:
so measured, at most 5 % of small samples without drift show even one column as drifted."""

MIN_ROWS = 100
"""With fewer rows on either side nothing is judged."""

SHARE = 0.2
"""The table has drifted when this share of its columns has."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far one column has moved.

    Attributes:
        column: its name.
        kind: the kind of its profile in the reference.
        method: `jensen_shannon`; or `kind` and `missing`, when there is nothing to compare.
        distance: from 0 (the same) to 1 (nothing in common).
        threshold: the distance from which it counts as drifted.
        p_value: the chance of such a difference without drift, corrected for the number of columns.
        drifted: distance and chance both say so.
        nulls_before: share of nulls and NaN in the reference.
        nulls_after: share of nulls and NaN now.
        new_share: share of rows with a category that the reference never had.
        where: the cell that moved most, for people; its share of the reference and now follow.
    """

    column: str
    kind: str
    method: str
    distance: float
    threshold: float
    p_value: float
    drifted: bool
    nulls_before: float
    nulls_after: float
    new_share: float = 0.0
    where: str = ""
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How far a table has moved.

    Attributes:
        columns: by name.
        rows_before: rows of the reference.
        rows_after: rows now.
        judged: whether there were rows enough to say anything.
        share: how many of the columns drifted, from 0 to 1.
        share_threshold: the share from which the table counts as drifted.
        drifted: whether the table has.
        added: columns that the reference does not have; they are not judged.
    """

    columns: dict[str, ColumnDrift]
    rows_before: int
    rows_after: int
    judged: bool
    share: float
    share_threshold: float
    drifted: bool
    added: tuple[str, ...] = ()

    @property
    def drifted_columns(self) -> list[str]:
        """The columns that drifted, the farthest first."""
        found = [column for column in self.columns.values() if column.drifted]
        return [column.column for column in sorted(found, key=lambda column: (-column.distance, column.column))]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        columns = {name: {key: getattr(column, key) for key in _FIELDS} for name, column in self.columns.items()}
        record = {key: getattr(self, key) for key in ("rows_before", "rows_after", "judged", "share")}
        rest = {"share_threshold": self.share_threshold, "drifted": self.drifted, "added": list(self.added)}
        return {**record, **rest, "columns": columns}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> DriftReport:
        """The report that `to_dict` wrote."""
        columns = {name: ColumnDrift(**item) for name, item in record["columns"].items()}
        return cls(**{**record, "columns": columns, "added": tuple(record["added"])})


_FIELDS = tuple(ColumnDrift.__dataclass_fields__)


def drift(
    reference: Profile,
    current: Profile,
    *,
    columns: Sequence[str] | None = None,
    threshold: float = THRESHOLD,
    thresholds: Mapping[str, float] | None = None,
    level: float = LEVEL,
    share_threshold: float = SHARE,
    min_rows: int = MIN_ROWS,
) -> DriftReport:
    """How far `current` has moved from `reference`.

    Columns are compared by the Jensen-Shannon distance (Lin, "Divergence measures based on the Shannon entropy",
    1991) over at most some twenty cells, nulls and categories that are new among them, and by the chi-square test of
    homogeneity on the same cells (an exact test for rare values), corrected by Holm. Instants are compared by their
    nulls only: time always moves.

    Args:
        reference: usually the profile of the training data.
        current: usually the profile of a window of traffic.
        columns: which columns are judged; all of the reference when not given.
        threshold: the distance that matters.
        thresholds: other thresholds by column.
        level: the chance of even one false alarm that is accepted.
        share_threshold: the share of drifted columns from which the table has drifted.
        min_rows: with fewer rows on either side nothing is judged.

    Raises:
        BadInput: a column named does not exist in the reference.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> before = Profile.of({"a": rng.normal(size=5000), "b": rng.normal(size=5000)})
        >>> after = Profile.of({"a": rng.normal(size=5000), "b": rng.normal(0.3, size=5000)})
        >>> report = drift(before, after)
        >>> report.drifted_columns, report.share, report.drifted
        (['b'], 0.5, True)
    """
    names = list(reference.columns) if columns is None else list(columns)
    limits = {name: (thresholds or {}).get(name, threshold) for name in names}
    unknown = sorted({*names, *(thresholds or {})} - reference.columns.keys())
    if unknown:
        raise BadInput(
            f"the reference has no column {', '.join(unknown)}", expected=f"some of {', '.join(reference.columns)}"
        )
    judged = min(reference.rows, current.rows) >= min_rows
    return _report(reference, current, limits, level=level if judged else -1.0, share_threshold=share_threshold)


def _report(
    reference: Profile, current: Profile, limits: Mapping[str, float], *, level: float, share_threshold: float
) -> DriftReport:
    """The report over the columns that have a limit; a level below zero judges nothing."""
    measured = {name: _measured(reference.columns[name], current.columns.get(name)) for name in limits}
    chances = holm({name: one.chance for name, one in measured.items()})
    found = {
        name: ColumnDrift(
            column=name,
            kind=reference.columns[name].kind,
            method=one.method,
            distance=one.distance,
            threshold=limits[name],
            p_value=chances[name],
            drifted=one.distance >= limits[name] and chances[name] <= level,
            nulls_before=_null_share(reference.columns[name]),
            nulls_after=_null_share(current.columns.get(name)),
            new_share=one.cells.new if one.cells else 0.0,
            **_moved(one.cells),
        )
        for name, one in measured.items()
    }
    share = sum(column.drifted for column in found.values()) / len(found) if found else 0.0
    return DriftReport(
        columns=found,
        rows_before=reference.rows,
        rows_after=current.rows,
        judged=level >= 0,
        share=share,
        share_threshold=share_threshold,
        drifted=share > 0 and share >= share_threshold,
        added=tuple(name for name in current.columns if name not in reference.columns),
    )


def jensen_shannon(reference: Sequence[float], current: Sequence[float]) -> float:
    """The Jensen-Shannon distance between two sets of counts over the same cells, in base 2, less what chance adds.

    Sampling makes the divergence of equal distributions positive: by (cells - 1) / 8 * (1 / n + 1 / m) nats on
    average (to second order; Grosse et al., "Analysis of symbolic sequences using the Jensen-Shannon divergence",
    2002). This is taken off, so that one threshold serves small and large samples.

    Example:
        >>> jensen_shannon([500, 500], [500, 500]), jensen_shannon([10**6, 0], [0, 10**6]) > 0.999
        (0.0, True)
    """
    before, after = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    filled = before + after > 0
    before, after = before[filled], after[filled]
    rows = before.sum(), after.sum()
    if not all(rows):
        return 0.0
    before, after = before / rows[0], after / rows[1]
    middle = (before + after) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(part > 0, part * np.log(part / middle), 0.0).sum() / 2 for part in (before, after)]
    chance = (len(middle) - 1) / 8 * (1 / rows[0] + 1 / rows[1])
    return math.sqrt(min(1.0, max(0.0, float(sum(terms)) - chance) / math.log(2)))


def homogeneity(reference: Sequence[float], current: Sequence[float]) -> float:
    """The p-value of Pearson's chi-square test that two sets of counts come from one distribution.

    Example:
        >>> round(homogeneity([30, 70], [50, 50]), 4)
        0.0039
    """
    counts = np.array([reference, current], dtype=np.float64)
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2 or not counts.sum(axis=1).all():
        return 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return chi_square_tail(float(((counts - expected) ** 2 / expected).sum()), freedom=counts.shape[1] - 1)


class _Measured(NamedTuple):
    method: str
    distance: float
    chance: float
    cells: Cells | None


def _measured(before: ColumnProfile, after: ColumnProfile | None) -> _Measured:
    if after is None:
        return _Measured("missing", 1.0, 0.0, None)
    empty = any(column.kind == OpaqueProfile.kind and column.nulls == column.rows for column in (before, after))
    if before.kind != after.kind:
        before, after = as_categories(before), as_categories(after)
    if before.kind != after.kind and not empty:
        return _Measured("kind", 1.0, 0.0, None)
    cells = paired(before, after)
    reference, current = cells.reference.tolist(), cells.current.tolist()
    return _Measured("jensen_shannon", jensen_shannon(reference, current), _chance(cells), cells)


def _chance(cells: Cells) -> float:
    """The chi-square test where its approximation holds, and an exact one of a last cell of too few rows."""
    before, after = cells.reference, cells.current
    rows = before.sum(), after.sum()
    if not cells.rare or (before[-1] + after[-1]) * min(rows) / sum(rows) >= EXPECTED:
        return homogeneity(before.tolist(), after.tolist())
    marked = round(before[-1] + after[-1])
    exact = hypergeometric_tail(round(after[-1]), marked=marked, drawn=round(rows[1]), rest=round(rows[0]))
    return min(1.0, 2 * min(exact, homogeneity(before[:-1].tolist(), after[:-1].tolist())))


def _moved(cells: Cells | None) -> dict[str, Any]:
    """The cell whose share changed most, and both shares."""
    if cells is None or not cells.labels or not cells.reference.sum() or not cells.current.sum():
        return {}
    before, after = cells.reference / cells.reference.sum(), cells.current / cells.current.sum()
    place = int(np.argmax(np.abs(after - before)))
    return {"where": cells.labels[place], "before": float(before[place]), "after": float(after[place])}


def _null_share(column: ColumnProfile | None) -> float:
    if column is None:
        return 1.0
    return missing(column) / column.rows if column.rows else 0.0
