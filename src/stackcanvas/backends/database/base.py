"""The port to the relational store: a thin layer over SQLAlchemy Core that means the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import ColumnElement, Connection, Row, Table
from sqlalchemy.dialects.sqlite import Insert


class Database(Protocol):
    """One workspace's database; safe to share between threads, and usable in a child process after a fork.

    Promises, the same on every adapter:

    - There is one writer at a time. What a `write()` reads stays true until it commits, so "read the highest number,
      insert the next" needs no further lock. Keep writes short: the others wait, at most `busy_s`, then get
      `Unavailable`. A thread must not open a second `write()` inside its first.
    - A `read()` sees one moment of the database, never waits for a writer, and cannot write (`Usage`).
    - What is committed survives the kill of any process; a durable commit survives the loss of power as well.
    - Text sorts by code point. LIKE tells upper from lower case; ILIKE does not, for ASCII letters. A backslash in a
      pattern is a plain character unless the statement names an `escape`. Order columns that hold nulls with
      `ascending` or `descending` of `stackcanvas.backends.database`: nulls come last.
    - Errors of the driver that a user can meet come as `Unavailable` (disk full, file read-only, locked for too long,
      server gone) or `Corrupt`; breaches of a constraint stay `sqlalchemy.exc.IntegrityError`.

    Attributes:
        url: where it is, with any password masked.
        dialect: `sqlite` or `postgresql`.
    """

    @property
    def url(self) -> str:
        """Where it is, with any password masked."""
        ...

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that sees one moment of the database and cannot write."""
        ...

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """A transaction with the right to write; commits at the end of the block, rolls back when it raises.

        Args:
            durable: wait until the commit is on disk. False is for metrics: a loss of power may take the last moments
                back, a killed process may not.
        """
        ...

    def reshape(self) -> AbstractContextManager[Connection]:
        """A write that changes tables: foreign keys are checked once at its end, so that tables can be rebuilt.

        Raises:
            Corrupt: the new tables hold rows whose parent is missing; nothing is committed.
        """
        ...

    def insert(self, table: Table) -> Insert:
        """The dialect's own INSERT, which knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
        ...

    def script(self, connection: Connection, statements: Sequence[str]) -> None:
        """Execute statements without values, such as those that make tables, in as few round trips as it takes."""
        ...

    def bulk(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert many rows fast; every row has the same columns, and defaults made in Python are not applied.

        Raises:
            BadInput: rows of differing columns, or an unknown column.
            sqlalchemy.exc.IntegrityError: a constraint is breached; the transaction cannot go on.
        """
        ...

    def claim(
        self,
        connection: Connection,
        table: Table,
        *,
        where: ColumnElement[bool],
        order_by: Sequence[ColumnElement[Any]],
        values: Mapping[str, object],
        limit: int = 1,
    ) -> list[Row[Any]]:
        """Set `values` on the first rows that match and give them back in that order; no row is given to two callers.

        Args:
            connection: an open `write()`.
            table: a table with a primary key.
            where: which rows are free; usually a state that `values` changes.
            order_by: which come first.
            values: what marks them as taken.
            limit: how many at most.
        """
        ...

    def close(self) -> None:
        """Close every idle connection; the object can be used again and then opens new ones."""
        ...


@runtime_checkable
class Schemas(Protocol):
    """What a database can do besides that has several schemas, each a place for all the tables.

    Attributes:
        schema: the one that this database works in.
    """

    schema: str

    def beside(self, schema: str, *, make: bool = False) -> Database:
        """Another schema of the same database, over the same connections.

        Args:
            make: make it where it is missing; it is empty then.
        """
        ...

    def address(self, schema: str) -> str:
        """The URL of another schema, password and all."""
        ...

    def schemas(self, start: str, table: str) -> list[str]:
        """The schemas whose name begins like this and that have a table."""
        ...

    def number(self, schema: str, table: str) -> int | None:
        """The number of a table of another schema, which no table made later has; None where there is none."""
        ...

    def drop(self, schema: str) -> None:
        """Remove another schema with everything in it, if it is there."""
        ...
