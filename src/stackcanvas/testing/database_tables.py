"""The tables of the database suite and the child processes that write to them; light, for each child imports it."""

from __future__ import annotations

from multiprocessing.connection import Connection as Pipe
from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, Table, UniqueConstraint, delete, func, insert, select

from stackcanvas.backends.database import Database, open_database, types

METADATA = MetaData()
KINDS = Table(
    "kinds",
    METADATA,
    Column("id", types.Integer, primary_key=True),
    Column("text", types.Text),
    Column("integer", types.Integer),
    Column("real", types.Real),
    Column("boolean", types.Boolean),
    Column("bytes", types.Bytes),
    Column("instant", types.Instant),
    Column("json", types.Json),
)
JOBS = Table(
    "jobs",
    METADATA,
    Column("queue", types.Text, primary_key=True),
    Column("number", types.Integer, primary_key=True),
    Column("state", types.Text, nullable=False),
    Column("kind", types.Integer, ForeignKey("kinds.id")),
)
LINES = Table(
    "lines",
    METADATA,
    Column("number", types.Integer, nullable=False),
    Column("half", types.Integer, nullable=False),
    Column("writer", types.Integer),
    UniqueConstraint("number", "half"),
)


def count_up(url: str, writer: int, times: int) -> None:
    """Insert "highest plus one" so many times, opening the database anew now and then."""
    database = open_database(url)
    with database.write() as tx:
        METADATA.create_all(tx)
    for turn in range(times):
        with database.write() as tx:
            highest = tx.scalar(select(func.max(LINES.c.number))) or 0
            tx.execute(insert(LINES), {"number": highest + 1, "half": 0, "writer": writer})
        if turn % 5 == 0:
            database.close()
            database = open_database(url)
    database.close()


def hang_inside(url: str, pipe: Pipe) -> None:
    """Insert a thousand rows, say so, and keep the write open."""
    with open_database(url).write() as tx:
        tx.execute(insert(LINES), [{"number": number, "half": 0} for number in range(1000)])
        pipe.send("inside")
        pipe.recv()


def write_pairs(url: str, pipe: Pipe) -> None:
    """Write pairs of rows without end, telling each number once it is committed."""
    database = open_database(url)
    number = 0
    while True:
        number += 1
        with database.write() as tx:
            tx.execute(insert(LINES), {"number": number, "half": 0})
            tx.execute(insert(LINES), {"number": number, "half": 1})
        pipe.send(number)


def write_lines(database: Database, number: int, times: int) -> None:
    """Insert so many rows, each in a write of its own, and read after each."""
    for half in range(times):
        with database.write(durable=False) as tx:
            tx.execute(insert(LINES), {"number": number, "half": half})
        assert count(database, LINES) > half


def count(database: Database, table: Table) -> int:
    """How many rows the table has."""
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def replace(database: Database, name: str, values: list[Any]) -> None:
    """Make these the only rows."""
    with database.write(durable=False) as tx:
        tx.execute(delete(KINDS))
        if values:
            tx.execute(insert(KINDS), [{name: value} for value in values])


def ordered(database: Database, order: Any, name: str) -> list[Any]:
    """A column of KINDS in the order asked for."""
    with database.read() as connection:
        return list(connection.scalars(select(KINDS.c[name]).order_by(order)))
