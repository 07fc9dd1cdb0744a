"""Expectations: whether a table is what its users count on, checked before a version of it is accepted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.canvas.blocks.expectations import ColumnExpectations, Expectations, Freshness
from stackcanvas.canvas.pieces import load_piece, piece_of
from stackcanvas.data.frames import records
from stackcanvas.errors import BadInput, Refused
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

Given = Expectations | Mapping[str, Any] | str | os.PathLike[str]
"""Expectations as a caller may give them: themselves, a mapping of the same words, or a YAML file that tells."""

_SAMPLES = 5
_ROW = "__stackcanvas_row"


def expectations_of(given: Given) -> Expectations:
    """The expectations that are given.

    Raises:
        NotFound: there is no such file.
        BadInputs: they are none; each problem with its line.

    Example:
        >>> expectations_of({"columns": [{"name": "delay", "nulls": "10%"}]}).columns[0].name
        'delay'
    """
    if isinstance(given, Expectations):
        return given
    if isinstance(given, Mapping):
        return piece_of(given, Expectations, label="expect")
    return load_piece(Path(given), Expectations)


@dataclass(frozen=True, slots=True)
class Broken:
    """An expectation that a table does not meet.

    Args:
        column: None when it is about the table as a whole.
        said: what is wrong.
        count: how many rows are.
        rows: the first of them, each with its number from 1.
    """

    column: str | None
    said: str
    count: int
    rows: tuple[dict[str, object], ...] = ()

    def sentence(self) -> str:
        """What is wrong, with the first rows."""
        shown = "; ".join(_told(row) for row in self.rows)
        return f"{self.said}: {shown}" if shown else self.said


class ExpectationsBroken(Refused):
    """A table does not meet what is expected of it, and no version is made.

    Args:
        broken: each expectation with its rows.
    """

    def __init__(self, name: str, broken: Sequence[Broken]) -> None:
        self.broken = tuple(broken)
        lines = "".join(f"\n  {one.sentence()}" for one in broken)
        super().__init__(
            f"{name} breaks {len(broken)} of what is expected of it, and no version was made{lines}",
            fix="Mend the rows, or the expectations; `broken: mark` keeps such a version with a mark",
        )

    def to_dict(self) -> dict[str, object]:
        """The sentence, and every expectation with its rows."""
        return {
            **super().to_dict(),
            "broken": [
                {"column": one.column, "said": one.said, "count": one.count, "rows": list(one.rows)}
                for one in self.broken
            ],
        }


def check(rows: pl.LazyFrame, expected: Expectations, *, now: datetime) -> list[Broken]:
    """Every expectation that the rows do not meet, in the order of the expectations.

    Args:
        now: what freshness is counted from.

    Raises:
        BadInput: a value that is expected can not be compared with its column.

    Example:
        >>> frame = pl.LazyFrame({"fare": [7.5, -1.0, None]})
        >>> expected = Expectations(columns=(ColumnExpectations(name="fare", least=0, nulls="0%"),))
        >>> [one.said for one in check(frame, expected, now=datetime(2026, 11, 23))]
        ['fare: 1 rows are below 0', 'fare: 1 of 3 rows have no value, at most 0% may']
    """
    schema = rows.collect_schema()
    total = int(rows.select(pl.len()).collect(engine="streaming").item())
    numbered = rows.with_row_index(_ROW, offset=1)
    broken = list(_of_columns(schema, expected))
    broken += _of_rows(total, expected)
    for column in expected.columns:
        if column.name in schema:
            broken += _of_values(numbered, schema, column, total)
    for names in expected.unique:
        broken += _of_keys(numbered, schema, names)
    if expected.freshness is not None:
        broken += _of_age(rows, schema, expected.freshness, now)
    return broken


def _of_columns(schema: pl.Schema, expected: Expectations) -> Iterator[Broken]:
    for column in expected.columns:
        if column.name not in schema:
            yield Broken(column.name, f"{column.name}: there is no such column", 0)
        elif column.type is not None and not _is(schema[column.name], column.type):
            yield Broken(column.name, f"{column.name}: it is {schema[column.name]}, not {column.type}", 0)
    if not expected.other_columns:
        known = {column.name for column in expected.columns}
        yield from (Broken(name, f"{name}: nobody expects this column", 0) for name in schema if name not in known)


def _is(kind: pl.DataType, wanted: str) -> bool:
    """Whether a type is meant by a word, or by its own name."""
    families = {
        "integer": kind.is_integer(),
        "number": kind.is_numeric(),
        "text": _is_text(kind),
        "boolean": kind == pl.Boolean,
        "date": kind == pl.Date,
        "datetime": kind == pl.Datetime,
    }
    return families.get(wanted, str(kind) == wanted)


def _is_text(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)


def _of_rows(total: int, expected: Expectations) -> Iterator[Broken]:
    if expected.rows_least is not None and total < expected.rows_least:
        yield Broken(None, f"there are {total} rows, at least {expected.rows_least} must be", total)
    if expected.rows_most is not None and total > expected.rows_most:
        yield Broken(None, f"there are {total} rows, at most {expected.rows_most} may be", total)


def _of_values(numbered: pl.LazyFrame, schema: pl.Schema, column: ColumnExpectations, total: int) -> Iterator[Broken]:
    """What single values break: one pass over the rows counts all of it."""
    wrong = dict(_rules(column, schema))
    if column.nulls is not None:
        wrong["null"] = pl.col(column.name).is_null()
    try:
        counts = numbered.select(**{said: rule.sum() for said, rule in wrong.items()}).collect(engine="streaming")
        found = counts.row(0, named=True) if wrong else {}
        allowed = int((column.nulls or 0.0) * total)
        for said, rule in wrong.items():
            count = int(found[said] or 0)
            rows = f"{column.name}: {count} rows are {said}"
            if said == "null":
                share = f"{(column.nulls or 0) * 100:g}%"
                rows = f"{column.name}: {count} of {total} rows have no value, at most {share} may"
            if count > (allowed if said == "null" else 0):
                yield Broken(column.name, rows, count, _first(numbered.filter(rule)))
        if column.unique:
            yield from _of_keys(numbered, schema, (column.name,))
    except pl.exceptions.PolarsError as error:
        lines = str(error).splitlines()
        said = next((line for line in lines if line.startswith("error: ")), lines[0])  # that of a pattern comes last
        raise BadInput(
            f"what is expected of {column.name} does not fit its type {schema[column.name]} ({said})"
        ) from None


def _rules(column: ColumnExpectations, schema: pl.Schema) -> Iterator[tuple[str, pl.Expr]]:
    """What is wrong, in words, and where it is; a null breaks none of these."""
    value, kind = pl.col(column.name), schema[column.name]
    bounded = column.least is not None or column.most is not None
    if kind.is_float() and bounded:
        yield "no number", value.is_nan()
        value = value.fill_nan(None)
    if _is_text(kind):
        value = value.cast(pl.String)
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        value = value.dt.convert_time_zone("UTC")
    if column.least is not None:
        yield f"below {column.least}", value < _literal(column, column.least, kind)
    if column.most is not None:
        yield f"above {column.most}", value > _literal(column, column.most, kind)
    if column.values is not None:
        listed = ", ".join(map(str, column.values[:_SAMPLES])) + (", ..." if len(column.values) > _SAMPLES else "")
        allowed = [_literal(column, one, kind) for one in column.values]
        yield f"none of {listed}", ~pl.any_horizontal(value == one for one in allowed)
    if column.pattern is not None:
        if not _is_text(kind):
            raise BadInput(f"the pattern for {column.name} does not fit its type {kind}", expected="a column of text")
        yield f"unlike {column.pattern}", ~value.str.contains(column.pattern)


def _literal(column: ColumnExpectations, value: bool | float | str, kind: pl.DataType) -> pl.Expr:
    """A value of the canvas as one of the column: days and instants are written as text."""
    textual = _is_text(kind)
    fits = isinstance(value, str) == (textual or kind.is_temporal())
    if isinstance(value, bool) != (kind == pl.Boolean) or not fits:
        raise BadInput(
            f"what is expected of {column.name} does not fit its type {kind}: {value!r}",
            expected="text for text, a number for numbers, such as '2026-11-23' for days",
        )
    if isinstance(kind, pl.Date | pl.Datetime):
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            raise BadInput(
                f"what is expected of {column.name} is no day or instant: {value!r}", expected="such as 2026-11-23"
            ) from None
        if isinstance(kind, pl.Datetime):
            if kind.time_zone is None:
                return pl.lit(instant.replace(tzinfo=None))
            return pl.lit(instant if instant.tzinfo else instant.replace(tzinfo=UTC))  # without a zone, one of UTC
        return pl.lit(instant.date())
    return pl.lit(value)


def _of_keys(numbered: pl.LazyFrame, schema: pl.Schema, names: Sequence[str]) -> Iterator[Broken]:
    missing = [name for name in names if name not in schema]
    if missing:
        yield Broken(missing[0], f"{missing[0]}: there is no such column", 0)
        return
    known = numbered.filter(~pl.any_horizontal(pl.col(name).is_null() for name in names))
    repeated = known.group_by(names).agg(pl.len().alias(_ROW)).filter(pl.col(_ROW) > 1)
    count = int(repeated.select(pl.col(_ROW).sum()).collect(engine="streaming").item() or 0)
    if count:
        rows = known.join(repeated.select(names), on=list(names), how="semi").sort(*names, _ROW)
        said = f"{', '.join(names)}: {count} rows share theirs with another"
        yield Broken(names[0] if len(names) == 1 else None, said, count, _first(rows))


def _of_age(rows: pl.LazyFrame, schema: pl.Schema, expected: Freshness, now: datetime) -> Iterator[Broken]:
    name = expected.column
    if name not in schema:
        yield Broken(name, f"{name}: there is no such column", 0)
        return
    kind = schema[name]
    if not isinstance(kind, pl.Date | pl.Datetime):
        yield Broken(name, f"{name}: it is {kind}, not a day or an instant that tells how new a row is", 0)
        return
    newest: date | datetime | None = rows.select(pl.col(name).max()).collect(engine="streaming").item()
    if newest is None:
        yield Broken(name, f"{name}: no row tells how new it is", 0)
        return
    instant = newest if isinstance(newest, datetime) else datetime.combine(newest, time())
    zoned = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    # A row of a day counts until that day is over.
    age = now - zoned - (timedelta(0) if isinstance(newest, datetime) else timedelta(days=1))
    if age > expected.within:
        yield Broken(name, f"{name}: the newest row is of {newest}, older than {expected.within}", 1)


def _first(rows: pl.LazyFrame) -> tuple[dict[str, object], ...]:
    found = rows.head(_SAMPLES).collect(engine="streaming")
    return tuple({"row": row.pop(_ROW), **row} for row in records(found))


def _told(row: dict[str, Any]) -> str:
    values = ", ".join(f"{name} {'null' if value is None else value}" for name, value in row.items() if name != "row")
    shown = values if len(values) <= 160 else f"{values[:160]}..."
    return f"row {row['row']} ({shown})"
