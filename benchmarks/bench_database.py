"""The database port beside the bare drivers: single commits, bulk rows, eight writers, one recorded piece of work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Column, Index, MetaData, Table, insert

from benchmarks.harness import Measure, Row, per_second, run
from stackcanvas.backends.database import Database, open_database, types
from stackcanvas.clock import SystemClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Ref, Spine
from stackcanvas.metadata.schema import schema
from stackcanvas.metadata.tables import execution
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.postgres import PostgresServer

_COMMITS = 500
_ROWS = 100_000
_BATCH = 1000
_WRITERS = 8
_WORKSPACES = 10
_CANVAS = 'stackcanvas: 1\nproject: {name: bench}\nmetadata: {store: {url: "${BENCH_DATABASE_URL}"}}\n'
_NOW = SystemClock().now()

_METADATA = MetaData()
_POINT = Table(
    "point",
    _METADATA,
    Column("id", types.Integer, primary_key=True),
    Column("run", types.Text, nullable=False),
    Column("key", types.Text, nullable=False),
    Column("step", types.Integer, nullable=False),
    Column("value", types.Real),
    Column("time", types.Instant, nullable=False),
    Index("ix_point_run_key_step", "run", "key", "step"),
    Index("ix_point_time", "time"),
)
_COLUMNS = "run, key, step, value, time"
_SQLITE = "insert into point (run, key, step, value, time) values (?, ?, ?, ?, ?)"
_POSTGRES = _SQLITE.replace("?", "%s")


def _row(number: int) -> dict[str, Any]:
    return {"run": f"run{number % 50}", "key": "loss", "step": number, "value": number * 0.5, "time": _NOW}


def _plain(number: int) -> tuple[Any, ...]:
    return (f"run{number % 50}", "loss", number, number * 0.5, 1_700_000_000_000_000 + number)


def _commits(database: Database, *, durable: bool) -> float:
    statement = insert(_POINT)

    def work() -> None:
        for number in range(_COMMITS):
            with database.write(durable=durable) as tx:
                tx.execute(statement, _row(number))

    return per_second(_COMMITS, work)


def _bulk(database: Database) -> float:
    batches = [[_row(number) for number in range(start, start + _BATCH)] for start in range(0, _ROWS, _BATCH)]

    def work() -> None:
        for batch in batches:
            with database.write() as tx:
                database.bulk(tx, _POINT, batch)

    return per_second(_ROWS, work)


def _sqlite_commits(path: Path, *, durable: bool) -> float:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")

        def work() -> None:
            for number in range(_COMMITS):
                connection.execute("begin immediate")
                connection.execute(_SQLITE, _plain(number))
                connection.execute("commit")

        return per_second(_COMMITS, work)


def _sqlite_bulk(path: Path) -> float:
    batches = [[_plain(number) for number in range(start, start + _BATCH)] for start in range(0, _ROWS, _BATCH)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:

        def work() -> None:
            for batch in batches:
                connection.execute("begin immediate")
                connection.executemany(_SQLITE, batch)
                connection.execute("commit")

        return per_second(_ROWS, work)


def _postgres_commits(url: str, *, durable: bool) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"set synchronous_commit = {'on' if durable else 'off'}")

        def work() -> None:
            for number in range(_COMMITS):
                with connection.transaction():
                    connection.execute(_POSTGRES, _plain(number))

        return per_second(_COMMITS, work)


def _postgres_bulk(url: str) -> float:
    batches = [[_plain(number) for number in range(start, start + _BATCH)] for start in range(0, _ROWS, _BATCH)]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:

        def work() -> None:
            for batch in batches:
                with cursor.copy(f"copy point ({_COLUMNS}) from stdin".encode()) as copy:
                    for row in batch:
                        copy.write_row(row)
                connection.commit()

        return per_second(_ROWS, work)


def _together(url: str, *, side: str) -> float:
    """Eight processes that write at once; the clock starts when all are ready."""
    command = [sys.executable, "-m", "benchmarks.bench_database", "--writer", side, url]
    writers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(_WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()

    def work() -> None:
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            if writer.wait():
                raise SystemExit("a writer failed")

    found = per_second(_WRITERS * _COMMITS, work)
    for writer in writers:
        writer.communicate()
    return found


def _write_one_of_eight(side: str, url: str) -> None:
    work: Measure
    if side == "us":
        work = partial(_commits, open_database(url), durable=True)
    elif url.startswith("sqlite"):
        work = partial(_sqlite_commits, Path(url.removeprefix("sqlite:///")), durable=True)
    else:
        work = partial(_postgres_commits, url, durable=True)
    print("ready", flush=True)
    sys.stdin.readline()
    work()


def _recorded(database: Database) -> float:
    """A piece of work as a block does it: started, one thing used, one made, its artifact, its event, its end."""
    clock = SystemClock()
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("bench", verified=True))
    if not _has_tables(database):
        with database.write() as tx:
            schema.create_all(tx)
    name = Ids(clock.now).new()

    def work() -> None:
        for number in range(_COMMITS):
            ref = Ref("data", name, str(number))
            with spine.record("data.commit", subject=ref) as recording:
                recording.used(ref)
                recording.made(ref)
                with spine.write() as tx:
                    spine.artifacts.add(tx, ref, execution=recording.id)
                    spine.events.emit(tx, "data.committed", ref, {"number": number})
                    recording.finish(tx)

    return per_second(_COMMITS, work)


def _workspaces(url: str) -> float:
    """Seconds for a fresh workspace of a project, made and opened, once the process has made its first."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        Path(folder, "canvas.yaml").write_text(_CANVAS)
        with open_stack(folder, environ={**os.environ, "BENCH_DATABASE_URL": url}) as stack:
            names = [f"fresh-{number}" for number in range(_WORKSPACES)]

            def work() -> None:
                for name in names:
                    stack.workspaces.add(name)
                    stack.workspaces.open(name).close()

            stack.workspaces.add("first")
            found = 1 / per_second(_WORKSPACES, work)
            for name in ("first", *names):
                stack.workspaces.rm(name)
    return found


def _has_tables(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.dialect.has_table(connection, execution.name))


def rows(stack: ExitStack) -> Sequence[Row]:
    """The same rows on both databases; their tables are made here."""
    path = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path(__file__).parent))) / "bench.db"
    server = PostgresServer(durable=True)
    stack.callback(server.remove)
    server.start()
    lite, post = open_database(f"sqlite:///{path}"), open_database(server.url)
    for database in (lite, post):
        stack.callback(database.close)
        with database.write() as tx:
            _METADATA.create_all(tx)
    fresh = "a fresh workspace, made and opened"
    return [
        Row(f"SQLite: {fresh}", "s", us=partial(_workspaces, f"sqlite:///{path}-project"), aim=0.1),
        Row(f"PostgreSQL: {fresh}", "s", us=partial(_workspaces, f"{server.url}&schema=bench"), aim=1.0),
        *_rows("SQLite", lite, f"sqlite:///{path}", partial(_sqlite_commits, path), partial(_sqlite_bulk, path)),
        *_rows(
            "PostgreSQL", post, server.url, partial(_postgres_commits, server.url), partial(_postgres_bulk, server.url)
        ),
    ]


def _rows(name: str, database: Database, url: str, commits: Callable[..., float], bulk: Measure) -> list[Row]:
    """The rows of one database, with what the bare driver does for the same work."""
    single = [
        Row(
            f"{name}: single commits{'' if durable else ', not durable'}",
            "commits/s",
            us=partial(_commits, database, durable=durable),
            floor=partial(commits, durable=durable),
            aim_of_floor=0.35,
        )
        for durable in (True, False)
    ]
    return [
        *single,
        Row(
            f"{name}: rows in batches of {_BATCH}, two indexes",
            "rows/s",
            us=partial(_bulk, database),
            floor=bulk,
            aim_of_floor=0.7,
        ),
        Row(
            f"{name}: {_WRITERS} processes at once",
            "commits/s",
            us=partial(_together, url, side="us"),
            floor=partial(_together, url, side="floor"),
            aim_of_floor=0.35,
        ),
        Row(f"{name}: recorded pieces of work", "records/s", us=partial(_recorded, database)),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--writer"]:
        _write_one_of_eight(*sys.argv[2:])
    else:
        run("database", rows, packages=("sqlalchemy", "psycopg"))
