"""What the adapters share: order with nulls last, rows made ready for the driver, and the two halves of a claim."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, select, tuple_, update

from stackcanvas.errors import BadInput


def ascending(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Order by the column, smallest first and nulls last, on every database."""
    return column.asc().nulls_last() if _may_be_null(column) else column.asc()


def descending(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Order by the column, largest first and nulls last, on every database."""
    return column.desc().nulls_last() if _may_be_null(column) else column.desc()


def _may_be_null(column: ColumnElement[Any]) -> bool:
    """Whether nulls need a word: without one, an index can serve the order."""
    return not isinstance(column, Column) or bool(column.nullable)


def bulk_columns(table: Table, rows: Sequence[Mapping[str, object]]) -> list[Column[Any]]:
    """The columns of the first row, in the order of the table.

    Raises:
        BadInput: a column that the table does not have.
    """
    names = rows[0].keys()
    unknown = sorted(names - {column.key for column in table.columns})
    if unknown:
        raise BadInput(f"the table {table.name} has no column {unknown[0]!r}")
    return [column for column in table.columns if column.key in names]


def bulk_tuples(
    connection: Connection, columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, object]]
) -> Iterator[tuple[Any, ...]]:
    """Each row as the driver takes it, its values checked by their column types.

    Raises:
        BadInput: a row whose columns differ from those of the first, or a value that its column cannot keep.
    """
    odd = next((number for number, row in enumerate(rows) if row.keys() != rows[0].keys()), None)
    if odd is not None:
        raise BadInput(f"row {odd} has other columns than the first row", expected=", ".join(rows[0]))
    # Column by column: a loop in C over each, instead of a loop in Python over each row.
    return zip(*(_values(connection, column, rows) for column in columns), strict=True)


def _values(connection: Connection, column: Column[Any], rows: Sequence[Mapping[str, object]]) -> Iterator[Any]:
    process = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    values = map(operator.itemgetter(column.key), rows)
    return map(process, values) if process else values


def claim_rows(
    connection: Connection, table: Table, candidates: Select[Any], values: Mapping[str, object]
) -> list[Row[Any]]:
    """Mark the rows whose primary keys `candidates` selects and give them back in its order."""
    keys = [tuple(row) for row in connection.execute(candidates)]
    if not keys:
        return []
    primary = list(table.primary_key.columns)
    chosen = tuple_(*primary).in_(keys) if len(primary) > 1 else primary[0].in_([key[0] for key in keys])
    marked = connection.execute(update(table).where(chosen).values(dict(values)).returning(*table.columns)).all()
    at = [list(table.columns).index(column) for column in primary]
    place = {key: number for number, key in enumerate(keys)}
    return sorted(marked, key=lambda row: place[tuple(row[index] for index in at)])


def claim_candidates(
    table: Table, *, where: ColumnElement[bool], order_by: Sequence[ColumnElement[Any]], limit: int
) -> Select[Any]:
    """The primary keys of the first rows that match."""
    return select(*table.primary_key.columns).where(where).order_by(*order_by).limit(limit)
