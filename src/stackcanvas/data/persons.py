"""A person in rows: which are theirs, and what a table or a file is without them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.data import formats, parquetfiles
from stackcanvas.data.frames import parts as parts_of
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


@dataclass(frozen=True, slots=True)
class Person:
    """Whose rows are meant, and what becomes of them.

    Args:
        column: that tells whose a row is.
        values: of that column, as text; numbers as they are written.
        blank: columns to empty instead of removing the rows; none to remove them.
    """

    column: str
    values: frozenset[str]
    blank: tuple[str, ...] = ()

    def means(self, value: object) -> bool:
        """Whether a value of the column is one of theirs.

        Example:
            >>> person = Person("customer", frozenset({"17", "ada"}))
            >>> [person.means(value) for value in (17, 17.0, "ada", "Ada", None, True)]
            [True, True, True, False, False, False]
        """
        if value is None:
            return False
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return str(value) in self.values

    def rows(self, schema: pl.Schema) -> pl.Expr:
        """The same for rows of a table."""
        text = pl.col(self.column)
        if schema[self.column].is_float():
            whole = pl.col(self.column).cast(pl.Int64, strict=False)
            text = pl.when(whole == text).then(whole.cast(pl.String)).otherwise(text.cast(pl.String))
        else:
            text = text.cast(pl.String, strict=False)
        return text.is_in(sorted(self.values)).fill_null(value=False)

    def touched(self, rows: pl.LazyFrame) -> int:
        """How many rows of a table are theirs and not erased yet; 0 when it has not the columns."""
        schema = rows.collect_schema()
        blank = [name for name in self.blank if name in schema]
        if self.column not in schema or (self.blank and not blank):
            return 0
        mine = self.rows(schema)
        if blank:
            mine &= pl.any_horizontal(pl.col(name).is_not_null() for name in blank)
        return int(rows.select(mine.sum()).collect().item() or 0)

    def left(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """A table without their rows, or with their columns empty."""
        mine = self.rows(rows.collect_schema())
        if not self.blank:
            return rows.filter(~mine)
        blank = [name for name in self.blank if name in rows.collect_schema()]
        return rows.with_columns(pl.when(mine).then(None).otherwise(pl.col(name)).alias(name) for name in blank)


def rewrite(source: Path, target: Path, name: str, person: Person, *, numeric: bool) -> int:
    """Write a file anew without the rows of a person, or with their columns empty, all others as they stand.

    Args:
        target: is of no use where nothing changes.
        name: of the file; its ending says what it is. What is neither Parquet, CSV nor JSON has no rows.
        numeric: whether the column holds numbers, so that `7.0` is `7`.

    Returns:
        How many rows were changed; 0 when the file has none of theirs.

    Raises:
        ValueError: it is not what its name says.
    """
    delimiter = formats.delimiter_of(name)
    if delimiter is not None:
        changed = 0
        with target.open("w", encoding="utf-8", newline="") as written:
            for text, mine in _records(source, delimiter, person, numeric=numeric):
                changed += mine
                written.write(text)
        return changed
    if name.endswith(".json"):
        told = json.loads(source.read_bytes())
        left, changed = _table_left(told, person)
        if changed:
            target.write_text(json.dumps(left), encoding="utf-8")
        return changed
    if not name.endswith(".parquet"):
        return 0
    rows = pl.scan_parquet(source, glob=False, hive_partitioning=False)
    try:
        changed = person.touched(rows)
        if changed:
            parquetfiles.write(target, parts_of(person.left(rows)))
    except pl.exceptions.PolarsError as error:
        raise ValueError(str(error)) from error
    return changed


def _table_left(told: Any, person: Person) -> tuple[Any, int]:
    """A table in JSON without the rows: records, or columns and data as pandas splits them; and how many were changed.

    Example:
        >>> ada = Person("who", frozenset({"ada"}))
        >>> _table_left({"columns": ["who", "n"], "data": [["ada", 1], ["bob", 2]]}, ada)
        ({'columns': ['who', 'n'], 'data': [['bob', 2]]}, 1)
        >>> _table_left([{"who": "ada", "n": 1}], Person("who", frozenset({"ada"}), ("n",)))
        ([{'who': 'ada', 'n': None}], 1)
    """
    if isinstance(told, list) and all(isinstance(one, dict) for one in told):
        split = [(one, one) for one in told]
        return _rows_left(split, person)
    if isinstance(told, dict) and isinstance(told.get("columns"), list) and isinstance(told.get("data"), list):
        names = told["columns"]
        rows = [dict(zip(names, row, strict=False)) if isinstance(row, list) else {} for row in told["data"]]
        left, changed = _rows_left(list(zip(rows, told["data"], strict=True)), person)
        data = [[row[name] for name in names] if isinstance(row, dict) else row for row in left]
        return {**told, "data": data}, changed
    return told, 0


def _rows_left(rows: Sequence[tuple[dict[str, Any], Any]], person: Person) -> tuple[list[Any], int]:
    left: list[Any] = []
    changed = 0
    for row, as_it_is in rows:
        full = [name for name in person.blank if row.get(name) is not None]
        if not person.means(row.get(person.column)) or (person.blank and not full):
            left.append(as_it_is)
            continue
        changed += 1
        if person.blank:
            left.append({**row, **dict.fromkeys(full)})
    return left, changed


def _records(source: Path, delimiter: str, person: Person, *, numeric: bool) -> Iterator[tuple[str, bool]]:
    """The records of a CSV file as text, those of other people as they stand; and whether each was changed."""
    with source.open(encoding="utf-8", newline="") as file:
        records = _raw(file)
        head = next(records, "")
        names = next(csv.reader([head.removeprefix("\ufeff")], delimiter=delimiter), [])
        if person.column not in names:
            return
        at = names.index(person.column)
        blank = [place for place, name in enumerate(names) if name in person.blank]
        yield head, False
        for record in records:
            fields = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
            value: object = fields[at] if len(fields) > at else None
            if not person.means(_number(fields[at]) if numeric and value is not None else value):
                yield record, False
            elif person.blank:
                emptied = _blanked(record, fields, blank, delimiter)
                yield emptied, emptied != record
            else:
                yield "", True


def _raw(lines: Iterable[str]) -> Iterator[str]:
    """Records with their line ends; one goes on over several lines while a quote is open."""
    held = ""
    for line in lines:
        held += line
        if held.count('"') % 2 == 0:
            yield held
            held = ""
    if held:
        yield held


def _blanked(record: str, fields: Sequence[str], blank: Sequence[int], delimiter: str) -> str:
    end = record[len(record.rstrip("\r\n")) :]
    out = io.StringIO(newline="")
    kept = ["" if place in blank else value for place, value in enumerate(fields)]
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(kept)
    return out.getvalue()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
