"""The SQLite file as a key-value store."""

from __future__ import annotations

import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.backends.keyvalue.sqlite import SqliteKeyValue
from stackcanvas.errors import BadInput, Corrupt, Unavailable
from stackcanvas.testing.keyvalue import KeyValueSuite

_WRITE_MINE = """
import sys
from stackcanvas.backends.keyvalue import open_keyvalue
store = open_keyvalue(sys.argv[1])
worker = int(sys.argv[2])
for number in range(40):
    store.put_many([(b"shared", number, b"%d" % number), (b"own:%d:%d" % (worker, number), 1, b"")])
"""
_WRITE_PAIRS_FOREVER = """
import sys
from stackcanvas.backends.keyvalue import open_keyvalue
store = open_keyvalue(sys.argv[1])
print("ready", flush=True)
for number in range(10**9):
    store.put_many([(b"%d" % key, number, b"%d" % number) for key in range(500)])
"""


class TestSqliteKeyValue(KeyValueSuite):
    @pytest.fixture
    def open_empty(self, tmp_path: Path) -> Callable[[], KeyValue]:
        """Opens a new file."""
        return lambda: SqliteKeyValue(tmp_path / secrets.token_hex(4) / "online.db")


def test_eight_processes_write_one_new_file(tmp_path: Path) -> None:
    """Processes that open and write the same new file at once lose nothing and see no lock."""
    url = f"sqlite:///{tmp_path}/online.db"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITE_MINE, url, str(worker)]) for worker in range(8)]

    assert [writer.wait() for writer in writers] == [0] * 8

    store = SqliteKeyValue(tmp_path / "online.db")
    assert len(list(store.scan(b"own:"))) == 8 * 40
    assert store.get_many([b"shared"]) == [b"39"]
    store.close()


def test_a_killed_writer(tmp_path: Path) -> None:
    """A batch of a killed writer is there as a whole or not at all."""
    path = tmp_path / "online.db"
    for number in range(4):
        command = [sys.executable, "-c", _WRITE_PAIRS_FOREVER, f"sqlite:///{path}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            threading.Event().wait(0.03 * number)
            writer.send_signal(signal.SIGKILL)
        store = SqliteKeyValue(path)
        assert len(set(store.get_many([b"%d" % key for key in range(500)]))) == 1
        store.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is not touched."""
    (tmp_path / "online.db").write_bytes(b"not a database " * 1000)

    with pytest.raises(Corrupt):
        SqliteKeyValue(tmp_path / "online.db")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    """Another program's database is not touched."""
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("create table theirs (x)")
    other.close()

    with pytest.raises(BadInput, match="not a key-value store"):
        SqliteKeyValue(tmp_path / "other.db")


def test_a_store_that_was_closed(tmp_path: Path) -> None:
    """Using a closed store says so."""
    store = SqliteKeyValue(tmp_path / "online.db")
    store.close()

    with pytest.raises(BadInput, match="closed"):
        store.get_many([b"a"])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A path below a file says so."""
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable):
        SqliteKeyValue(tmp_path / "file" / "online.db")


def test_a_batch_that_fails_half_way(tmp_path: Path) -> None:
    """When one item cannot be stored nothing of the batch is."""
    store = SqliteKeyValue(tmp_path / "online.db")

    with pytest.raises(BadInput):
        store.put_many([(b"a", 1, b"1"), (b"b", 1, None)])  # type: ignore[list-item]

    assert store.get_many([b"a"]) == [None]
    store.close()
