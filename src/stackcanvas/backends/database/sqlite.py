"""The embedded database: one SQLite file in WAL mode, written by one process at a time and read by all."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote

from sqlalchemy import URL, ColumnElement, Connection, Row, Table, create_engine, event
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from stackcanvas.backends.database.base import Database
from stackcanvas.backends.database.pool import Turn, check_write, forget_after_fork
from stackcanvas.backends.database.statements import bulk_columns, bulk_tuples, claim_candidates, claim_rows
from stackcanvas.backends.files import sync_folder, unavailable
from stackcanvas.errors import BadInput, Corrupt, StackCanvasError, Unavailable, Usage

_PREFIX = "sqlite:///"
_JOURNAL_BYTES = 64 << 20
# Pages of the log before they are moved into the file. Commits write the same pages again and again: moved together,
# each is written once, and the file is synced a quarter as often as by default.
_CHECKPOINT_PAGES = 4_000
_WAL_RETRY_S = 0.02
# Connections for writing that stay open between writes; more than one writes only when threads take turns.
_KEPT = 2

# What a transaction may do, as the pragmas of its connection; none of them can be changed inside it.
_PRAGMAS = ("query_only", "synchronous", "foreign_keys")
_READ = ("ON", "FULL", "ON")
_DURABLE = ("OFF", "FULL", "ON")
_FAST = ("OFF", "NORMAL", "ON")
_RESHAPE = ("OFF", "FULL", "OFF")
_UNSET = ("", "", "")

_REASONS = {
    sqlite3.SQLITE_FULL: ("the disk is full, nothing was written", "Free some space and try again"),
    sqlite3.SQLITE_READONLY: ("the database file is read-only", "Give this user the right to write it"),
    sqlite3.SQLITE_IOERR: ("the database file cannot be read or written", "Check the disk and its space"),
    sqlite3.SQLITE_CANTOPEN: ("the database file cannot be opened", "Check the path and the rights on file and folder"),
    sqlite3.SQLITE_PERM: ("the database file cannot be opened", "Check the rights on file and folder"),
}


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, whatever characters its path holds.

    Example:
        >>> sqlite_url(Path("/data/what?.db"))
        'sqlite:////data/what%3F.db'
    """
    return _PREFIX + quote(str(path))


def scrub(path: Path, *, busy_s: float = 30.0) -> bool:
    """Write a SQLite file anew, without the bytes of what was deleted from it; whether nothing of the old is left.

    Others may read and write meanwhile; one that reads for longer than the wait holds on to the old bytes.

    Raises:
        Unavailable: the file cannot be written, or the disk is full.
    """
    try:
        with closing(sqlite3.connect(path, timeout=busy_s, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            deadline = time.monotonic() + busy_s
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    return False
                time.sleep(_WAL_RETRY_S)
    except sqlite3.Error as error:
        raise Unavailable(f"the file cannot be written anew ({error})", where=str(path)) from error
    return True


class SqliteDatabase:
    """A workspace in one SQLite file, made when it is missing.

    `BEGIN IMMEDIATE` takes the right to write at the start, so a transaction never fails half way because another
    process wrote first; it waits for its turn instead.

    Args:
        url: `sqlite:///relative/path` or `sqlite:////absolute/path`.
        busy_s: how long a writer waits for the others.

    Raises:
        BadInput: the URL names no file, or carries options.
        Unavailable: the file cannot be opened.
        Corrupt: the file is not a SQLite database.
    """

    dialect = "sqlite"

    def __init__(self, url: str, *, busy_s: float = 30.0) -> None:
        self.url = url
        self.path = _path(url)
        self._busy_s = busy_s
        self._turn = Turn()
        self._engine = create_engine(
            URL.create("sqlite", database=str(self.path)),
            connect_args={"timeout": busy_s, "check_same_thread": False},
            # A connection costs a file handle: never make a thread wait for one, the file itself orders the writers.
            max_overflow=-1,
            # The connection that wrote last has in its cache what the next one needs; another reads it again.
            pool_use_lifo=True,
        )
        event.listen(self._engine, "connect", self._prepare)
        event.listen(self._engine, "handle_error", self._translate)
        self._kept: list[Connection] = []
        forget_after_fork(self._engine, self._kept)
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database and cannot write."""
        with self._engine.begin() as connection:
            self._begin(connection, _READ)
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction with the right to write, taken at once; `durable=False` leaves out the sync of the log."""
        with self._turn.taken(), self._writer() as connection, connection.begin():
            self._begin(connection, _DURABLE if durable else _FAST)
            check_write(self, connection)
            yield connection

    @contextmanager
    def _writer(self) -> Iterator[Connection]:
        """A connection that is kept for the next write: taking one from the pool costs half of a small write."""
        try:
            connection = self._kept.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._kept) < _KEPT:
            self._kept.append(connection)
        else:
            connection.close()

    @contextmanager
    def reshape(self) -> Iterator[Connection]:
        """A write with foreign keys off until its end: a table that is rebuilt is dropped in between."""
        with self._turn.taken(), self._engine.begin() as connection:
            self._begin(connection, _RESHAPE)
            yield connection
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if orphans:
                table, row, parent, _ = orphans[0]
                raise Corrupt(f"row {row} of {table} has no parent in {parent}", where=str(self.path))

    def copy(self, target: Path) -> None:
        """Write what is committed to a new file, in one piece and on disk when this returns.

        Raises:
            Unavailable: the copy cannot be written; there is none then.
        """
        draft = target.with_name(f"{target.name}.draft")
        try:
            draft.unlink(missing_ok=True)
            with closing(sqlite3.connect(self.path)) as connection:
                connection.execute("VACUUM INTO ?", (str(draft),))
            with draft.open("rb") as handle:
                os.fsync(handle.fileno())
            draft.replace(target)
            sync_folder(target.parent)
        except (sqlite3.Error, OSError) as error:
            draft.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise unavailable(error, target) from error
            raise Unavailable(f"the database cannot be copied ({error})", where=str(target)) from error

    def insert(self, table: Table) -> Insert:
        """The dialect's own INSERT."""
        return insert(table)

    def script(self, connection: Connection, statements: Sequence[str]) -> None:
        """Execute statements without values."""
        raw = _raw(connection)
        try:
            for statement in statements:
                raw.execute(statement)
        except sqlite3.Error as error:
            raise self._sentence(error) or error from error

    def bulk(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert many rows in one `executemany`."""
        if not rows:
            return
        columns = bulk_columns(table, rows)
        statement = plain_insert(table).compile(dialect=connection.dialect, column_keys=[c.key for c in columns])
        connection.exec_driver_sql(str(statement), list(bulk_tuples(connection, columns, rows)))

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
        """Mark the first rows that match; nobody else writes meanwhile."""
        candidates = claim_candidates(table, where=where, order_by=order_by, limit=limit)
        return claim_rows(connection, table, candidates, values)

    def close(self) -> None:
        """Close every idle connection."""
        while self._kept:
            self._kept.pop().close()
        self._engine.dispose()

    def _check(self) -> None:
        """Open the file once, so that a wrong one is reported now and not at the first query."""
        if not self.path.parent.is_dir():
            raise Unavailable(
                "the database cannot be made, its folder is missing", where=str(self.path.parent), fix="Make the folder"
            )
        with self.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")

    def _prepare(self, connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        """Set a new connection up."""
        # The driver must not begin transactions by itself: `_begin` does.
        connection.isolation_level = None
        try:
            connection.execute("PRAGMA case_sensitive_like = ON")
            connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            self._enter_wal(connection)
        except UnicodeDecodeError as error:
            connection.close()
            raise self._unsound(error) from error
        except sqlite3.Error as error:
            connection.close()
            raise self._sentence(error) or error from error
        record.info["mode"] = _UNSET

    def _enter_wal(self, connection: sqlite3.Connection) -> None:
        """Switch a fresh file to WAL; SQLite does not wait there when another process does the same."""
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
                if mode != "wal":
                    connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_READONLY:
                    return  # a file that cannot be written can still be read
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_WAL_RETRY_S)
            else:
                return

    def _begin(self, connection: Connection, mode: tuple[str, ...]) -> None:
        """Begin for reading or for writing, with the pragmas that go with it."""
        raw = _raw(connection)
        before = connection.info["mode"]
        try:
            if before != mode:
                connection.info["mode"] = _UNSET  # until all of them are set
                for pragma, value, held in zip(_PRAGMAS, mode, before, strict=True):
                    if value != held:
                        raw.execute(f"PRAGMA {pragma} = {value}")
                connection.info["mode"] = mode
            raw.execute("BEGIN" if mode == _READ else "BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._sentence(error) or error from error

    def _translate(self, context: ExceptionContext) -> None:
        """Say what a user can do about an error of the driver."""
        error = context.original_exception
        if isinstance(error, UnicodeDecodeError):  # the driver could not even read what SQLite says is wrong
            raise self._unsound(error) from error
        if not isinstance(error, sqlite3.Error):
            return
        if (
            _code(error) == sqlite3.SQLITE_READONLY
            and context.connection is not None
            and context.connection.info["mode"] == _READ
        ):
            raise Usage("this connection is for reading only", fix="Write inside `with database.write()`") from error
        translated = self._sentence(error)
        if translated is not None:
            raise translated from error

    def _sentence(self, error: sqlite3.Error) -> StackCanvasError | None:
        """The error for a user, or None when it is a mistake of the caller."""
        where = str(self.path)
        code = _code(error)
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            waited = f"another process has been writing to the database for more than {self._busy_s:g} s"
            return Unavailable(waited, where=where, fix="Try again, or end the process that holds it")
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or str(error).startswith(_NO_TEXT):
            return self._unsound(error)
        if code in _REASONS:
            reason, fix = _REASONS[code]
            return Unavailable(f"{reason} ({error})", where=where, fix=fix)
        return None

    def _unsound(self, error: Exception) -> Corrupt:
        rescue = f"sqlite3 {self.path} .recover | sqlite3 rescued.db"
        return Corrupt(
            f"the file is not a sound SQLite database ({error})",
            where=str(self.path),
            fix=f"Put a backup in its place, or save what can be read: {rescue}",
        )


_NO_TEXT = "Could not decode to UTF-8"


def _path(url: str) -> Path:
    """The file of a URL."""
    rest = url.removeprefix(_PREFIX)
    if rest == url or not rest or rest == ":memory:" or "?" in rest:
        raise BadInput(
            f"the database URL {url!r} names no file", expected="sqlite:///relative/path or sqlite:////absolute/path"
        )
    return Path(unquote(rest))


def _raw(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection: its statements cost a tenth of those that pass through SQLAlchemy."""
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


def _code(error: sqlite3.Error) -> int:
    """The primary result code; errors of the Python driver itself have none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF


def _satisfies(database: SqliteDatabase) -> Database:
    return database
