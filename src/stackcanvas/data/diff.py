"""Diff: what changed from one version to another, in files, columns, rows and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.data.commit import changed_columns
from stackcanvas.data.frames import records
from stackcanvas.data.parts import Parts
from stackcanvas.data.read import rows_of
from stackcanvas.data.status import compared
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, nearest
from stackcanvas.late import late
from stackcanvas.metadata import Ref
from stackcanvas.statistics import DriftReport, drift

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_IN = "__stackcanvas_in"


@dataclass(frozen=True, slots=True)
class RowsDiff:
    """How the rows differ, over the columns that both versions have with the same type.

    Args:
        key: the columns by which rows were matched; empty when whole rows were compared, as often as each occurs.
        changed: rows with the same key and other values; 0 without a key.
        changed_by_column: in how many of them each column differs.
        samples: a few of each: `added`, `removed`, and `changed` with [before, after] for what differs.
    """

    key: tuple[str, ...]
    added: int
    removed: int
    changed: int
    changed_by_column: dict[str, int]
    samples: dict[str, tuple[dict[str, object], ...]]


@dataclass(frozen=True, slots=True)
class DataDiff:
    """What changed from `before` to `after`.

    Args:
        columns: name to (type before, type after), None where there is no such column.
        added: paths of files, as are `removed` and `changed`.
        rows: None when one of the two is no table, they have no column in common, or nothing differs in the files.
        drift: how far the values of each column have moved; None when one of the two is no table.
    """

    before: DataVersion
    after: DataVersion
    columns: dict[str, tuple[str | None, str | None]]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    rows: RowsDiff | None
    drift: DriftReport | None

    @property
    def same(self) -> bool:
        """Whether both hold the same content with the same meaning."""
        return self.before.digest == self.after.digest


def diff(parts: Parts, before: Ref, after: Ref, *, key: Sequence[str], samples: int) -> DataDiff:
    """Compare two versions; see `Data.diff`."""
    one, two = parts.versions.get(before), parts.versions.get(after)
    added, removed, changed = compared(parts.listing(one), parts.listing(two))
    rows = None
    if one.columns.items() & two.columns.items() and one.listing != two.listing:
        rows = _rows(parts, one, two, tuple(key) or two.key or one.key, samples)
    moved = None
    was, has = one.profile, two.profile  # each is read when it is asked for
    if was is not None and has is not None:
        moved = drift(was, has, columns=[name for name in was.columns if name in has.columns])
    return DataDiff(one, two, changed_columns(one, two.columns), added, removed, changed, rows, moved)


def _rows(parts: Parts, one: DataVersion, two: DataVersion, key: tuple[str, ...], samples: int) -> RowsDiff:
    both = [name for name, kind in one.columns.items() if two.columns.get(name) == kind]
    for name in key:
        if name not in both:
            near = nearest(name, both)
            raise BadInput(
                f"the key column {name!r} is not in both versions with the same type",
                expected=f"some of {', '.join(both)}",
                fix=f"Did you mean {near!r}?" if near else None,
            )
    was, has = rows_of(parts, one).select(both), rows_of(parts, two).select(both)
    try:
        return _by_key(was, has, key, samples) if key else _by_row(was, has, samples)
    except pl.exceptions.PolarsError as error:
        said = str(error).splitlines()[0]
        raise BadInput(f"the rows cannot be compared: {said}", fix="Name the columns of a key with --key") from error


def _by_row(was: pl.LazyFrame, has: pl.LazyFrame, samples: int) -> RowsDiff:
    names = was.collect_schema().names()
    left, right = (rows.group_by(names).agg(pl.len().cast(pl.Int64).alias(_IN)) for rows in (was, has))
    counts = left.join(right, on=names, how="full", coalesce=True, nulls_equal=True, suffix="_after")
    more = (pl.col(f"{_IN}_after").fill_null(0) - pl.col(_IN).fill_null(0)).alias(_IN)
    apart = counts.select(*names, more).filter(pl.col(_IN) != 0).collect(engine="streaming")
    added, removed = apart.filter(pl.col(_IN) > 0), apart.filter(pl.col(_IN) < 0)
    shown = {
        name: tuple(records(rows.sort(names).head(samples).drop(_IN)))
        for name, rows in (("added", added), ("removed", removed))
    }
    return RowsDiff((), int(added[_IN].sum()), -int(removed[_IN].sum()), 0, {}, {**shown, "changed": ()})


def _by_key(was: pl.LazyFrame, has: pl.LazyFrame, key: tuple[str, ...], samples: int) -> RowsDiff:
    _refuse_repeats(was, key)
    _refuse_repeats(has, key)
    others = [name for name in was.collect_schema().names() if name not in key]
    here = pl.lit(value=True).alias(_IN)
    joined = was.with_columns(here).join(
        has.with_columns(here), on=key, how="full", coalesce=True, nulls_equal=True, suffix=_IN
    )
    differs = {name: ~pl.col(name).eq_missing(pl.col(name + _IN)) for name in others}
    before, after = pl.col(_IN).is_not_null(), pl.col(_IN + _IN).is_not_null()
    changed = before & after & pl.any_horizontal(*differs.values(), pl.lit(value=False))
    states = pl.when(before & ~after).then(pl.lit("removed")).when(after & ~before).then(pl.lit("added"))
    apart = (
        joined.with_columns(states.when(changed).then(pl.lit("changed")).alias(_IN))
        .filter(pl.col(_IN).is_not_null())
        .collect(engine="streaming")
    )
    found = {state: apart.filter(pl.col(_IN) == state) for state in ("added", "removed", "changed")}
    by_column = found["changed"].select(**{name: differ.sum() for name, differ in differs.items()})
    shown = {state: _sample(rows.sort(key).head(samples), key, differs, state) for state, rows in found.items()}
    counts = {name: count for name, count in (by_column.row(0, named=True) if others else {}).items() if count}
    return RowsDiff(key, len(found["added"]), len(found["removed"]), len(found["changed"]), counts, shown)


def _refuse_repeats(rows: pl.LazyFrame, key: tuple[str, ...]) -> None:
    repeated = rows.group_by(key).len().filter(pl.col("len") > 1).limit(1).collect(engine="streaming")
    if len(repeated):
        shown = ", ".join(f"{name} {repeated[name][0]}" for name in key)
        raise BadInput(f"the key does not identify a row: {shown} occurs {repeated['len'][0]} times")


def _sample(
    rows: pl.DataFrame, key: tuple[str, ...], differs: Mapping[str, pl.Expr], state: str
) -> tuple[dict[str, object], ...]:
    """The key and the values of rows; of changed ones, what differs as [before, after]."""
    apart = records(rows.select(**differs)) if differs else [{}] * rows.height
    shown = []
    for row, changed in zip(records(rows), apart, strict=True):
        values: dict[str, object] = {name: row[name] for name in key}
        for name in differs:
            if state != "changed":
                values[name] = row[name if state == "removed" else name + _IN]
            elif changed[name]:
                values[name] = [row[name], row[name + _IN]]
        shown.append(values)
    return tuple(shown)
