"""Keys and values in one SQLite file.

Readers never wait for a writer (write-ahead log), so a prediction server reads on while features are materialised by
another process. Only the standard library is imported: that server starts in a moment.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote

from stackcanvas.backends.files import make_folder, unavailable
from stackcanvas.backends.keyvalue.base import packed, unpacked
from stackcanvas.errors import BadInput, Corrupt, StackCanvasError, Unavailable

_BUSY_S = 30.0
_APPLICATION = 0x53434B57  # marks the file as ours
_KEYS_A_QUERY = 500
_ITEMS_A_PAGE = 1000
_PUT = """
    insert into item (key, sequence, value) values (?, ?, ?)
    on conflict (key) do update set sequence = excluded.sequence, value = excluded.value
    where excluded.sequence >= item.sequence
"""


class SqliteKeyValue:
    """A key-value store in a file; made when it is missing.

    Args:
        path: the file. Beside it lie `-wal` and `-shm` while it is in use.

    Example:
        >>> import tempfile
        >>> store = SqliteKeyValue(Path(tempfile.mkdtemp()) / "online.db")
        >>> store.put_many([(b"a", 2, b"new"), (b"a", 1, b"old")])
        1
        >>> store.get_many([b"a", b"b"])
        [b'new', None]
        >>> store.close()
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.url = f"sqlite:///{quote(str(self.path))}"
        # One connection for each side, so that a long batch does not hold up the readers of its own process.
        self._reading, self._writing = threading.Lock(), threading.Lock()
        try:
            make_folder(self.path.parent)
        except OSError as error:
            raise unavailable(error, self.path) from error
        with self._translated():
            self._writer = self._connect()
            self._reader = self._connect()

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of the keys, in the order of the keys."""
        found: dict[bytes, bytes] = {}
        with self._translated(), self._reading:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                some = keys[start : start + _KEYS_A_QUERY]
                marks = ",".join("?" * len(some))
                found.update(self._reader.execute(f"select key, value from item where key in ({marks})", some))  # noqa: S608
        return [found.get(key) for key in keys]

    def put_many(self, items: Sequence[tuple[bytes, int, bytes]]) -> int:
        """Store items of (key, order, value); returns how many were kept."""
        # In the order of the keys, neighbours land on the same page: four times faster. The sort is stable, so that
        # items of one key keep their order.
        ordered = sorted([(key, packed(key, order), value) for key, order, value in items], key=itemgetter(0))
        with self._transaction() as writer:
            before = writer.total_changes
            writer.executemany(_PUT, ordered)
            return writer.total_changes - before

    def delete_many(self, keys: Sequence[bytes]) -> None:
        """Remove keys."""
        with self._transaction() as writer:
            writer.executemany("delete from item where key = ?", [(key,) for key in keys])

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        """The items whose key begins with `prefix`; sorted by key, though the port does not promise it."""
        after, compare = prefix, ">="
        while True:
            # Page by page, so that a reader who stops half way holds no snapshot of the file open.
            with self._translated(), self._reading:
                page = self._reader.execute(
                    f"select key, sequence, value from item where key {compare} ? order by key limit {_ITEMS_A_PAGE}",  # noqa: S608
                    (after,),
                ).fetchall()
            for item in page:
                if not item[0].startswith(prefix):
                    return
                yield item[0], unpacked(item[1]), item[2]
            if len(page) < _ITEMS_A_PAGE:
                return
            after, compare = page[-1][0], ">"

    def close(self) -> None:
        """Close the file."""
        with self._reading, self._writing:
            self._reader.close()
            self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated(), self._writing:
            self._writer.execute("begin immediate")
            try:
                yield self._writer
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _translate(error, self.path) from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _use_write_ahead_log(connection)
    connection.execute("pragma synchronous = normal")
    if _application(connection) == _APPLICATION:
        return
    connection.execute("begin immediate")
    try:
        _create(connection, path)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _create(connection: sqlite3.Connection, path: Path) -> None:
    if _application(connection) == _APPLICATION:  # another process was first
        return
    if connection.execute("select count(*) from sqlite_schema").fetchone()[0]:
        raise BadInput("this database is not a key-value store", where=str(path), expected="a file of its own")
    connection.execute(
        "create table item (key blob primary key, sequence blob not null, value blob not null) without rowid"
    )
    connection.execute(f"pragma application_id = {_APPLICATION}")


def _application(connection: sqlite3.Connection) -> object:
    return connection.execute("pragma application_id").fetchone()[0]


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # Switching does not wait for other processes by itself, and several may open a new file at the same moment.
    deadline_s = time.monotonic() + _BUSY_S
    while connection.execute("pragma journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.005)


def _translate(error: sqlite3.Error, path: Path) -> StackCanvasError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    where = str(path)
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Corrupt(
            "the file is no key-value store, or is damaged", where=where, fix="Remove it: what it holds is made again"
        )
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Unavailable(f"another process has held the store for {_BUSY_S:.0f} s", where=where)
    if primary == sqlite3.SQLITE_FULL:
        return Unavailable("the disk is full", where=where, fix="Free some space and try again")
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.IntegrityError)):
        return BadInput(str(error), where=where)
    return Unavailable(str(error), where=where)
