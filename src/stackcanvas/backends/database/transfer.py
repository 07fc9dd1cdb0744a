"""Whole tables from one database to another, whatever their dialects, each row read back and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import blake3
from sqlalchemy import Connection, Table, func, select

from stackcanvas.backends.database.base import Database
from stackcanvas.errors import Conflict, Corrupt

_ROWS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """What was copied of a table.

    Args:
        name: of the table.
        rows: how many.
        digest: BLAKE3 of the rows in the order of their key, as both databases hold them.
    """

    name: str
    rows: int
    digest: str


def copy_tables(
    source: Connection,
    target: Connection,
    database: Database,
    tables: Sequence[Table],
    *,
    advance: Callable[[int], None] = lambda _: None,
) -> list[CopiedTable]:
    """Copy tables inside the callers' transactions, and read them back.

    Args:
        source: open for reading; what it sees stays as it is meanwhile.
        target: open for writing, with the same tables, empty.
        database: that of the target.
        tables: parents before children.
        advance: told how many rows more are done.

    Raises:
        Conflict: the target holds rows already.
        Corrupt: what was written reads otherwise than what was read.
    """
    done = []
    for table in tables:
        if holds_rows(target, [table]):
            raise Conflict(
                f"the table {table.name} holds rows already",
                where=database.url,
                expected="an empty database",
                fix="Name another database, file, or schema with ?schema=NAME",
            )
        written = _Rows()
        for rows in _pages(source, table):
            written.add(rows)
            database.bulk(target, table, [row._asdict() for row in rows])
            advance(len(rows))
        found = digest_of(target, table)
        if found != (expected := written.of(table)):
            raise Corrupt(
                f"the table {table.name} reads otherwise than it was written",
                where=database.url,
                expected=f"{expected.rows} rows of digest {expected.digest[:12]}, "
                f"not {found.rows} of {found.digest[:12]}",
            )
        go_on_counting(target, table)
        done.append(found)
    return done


def holds_rows(connection: Connection, tables: Sequence[Table]) -> bool:
    """Whether any of the tables has a row."""
    return any(connection.execute(select(table).limit(1)).first() is not None for table in tables)


def digest_of(connection: Connection, table: Table) -> CopiedTable:
    """Rows and digest of a table as it stands."""
    read = _Rows()
    for rows in _pages(connection, table):
        read.add(rows)
    return read.of(table)


class _Rows:
    """A digest over rows as they pass."""

    def __init__(self) -> None:
        self._count = 0
        self._hash = blake3.blake3()

    def add(self, rows: Sequence[Any]) -> None:
        self._count += len(rows)
        for row in rows:
            self._hash.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))

    def of(self, table: Table) -> CopiedTable:
        return CopiedTable(table.name, self._count, self._hash.hexdigest())


def _pages(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    keys = list(table.primary_key.columns) or list(table.columns)
    chosen = select(table).order_by(*keys).execution_options(yield_per=_ROWS_AT_ONCE)
    with connection.execute(chosen) as result:
        yield from result.partitions()


def go_on_counting(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers; SQLite looks for itself."""
    column = table.autoincrement_column
    if column is None or connection.dialect.name != "postgresql":
        return
    sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    highest = connection.scalar(select(func.max(column)))
    if sequence is not None and highest is not None:
        connection.execute(select(func.setval(sequence, max(highest, 1))))
