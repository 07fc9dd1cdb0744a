from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from stackcanvas.backends.database import Database, open_database
from stackcanvas.backends.database.sqlite import sqlite_url
from stackcanvas.errors import BadInput, Corrupt, StackCanvasError, Unavailable
from stackcanvas.testing.database import DatabaseSuite
from stackcanvas.testing.database_tables import KINDS, METADATA, count, replace

_NOBODY = 65534

# The children only drop their rights and act: nothing that another thread may hold is touched.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class TestSqlite(DatabaseSuite):
    """The embedded database keeps every promise of the port."""

    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        """A file that does not exist yet, with an awkward name."""
        return sqlite_url(tmp_path / "what? 100% é.db")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can enter, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="stackcanvas-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def path(open_folder: Path) -> Path:
    """A file with a hundred rows, closed."""
    path = open_folder / "metadata.db"
    database = open_database(sqlite_url(path))
    with database.write() as tx:
        METADATA.create_all(tx)
    replace(database, "text", ["x" * 1000] * 100)
    database.close()
    return path


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "sqlite://a.db"]
)
def test_a_url_without_a_file_is_refused(url: str) -> None:
    """Memory and options are not for a workspace."""
    with pytest.raises(BadInput, match="sqlite:///relative/path"):
        open_database(url)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    """The folder of a new file must be there: a typing mistake makes no folders."""
    with pytest.raises(Unavailable, match="folder is missing"):
        open_database(sqlite_url(tmp_path / "nowhere" / "metadata.db"))


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    """A path that cannot be opened says so."""
    with pytest.raises(Unavailable, match="cannot be opened"):
        open_database(sqlite_url(tmp_path))


@pytest.mark.parametrize("content", [b"name,delay\n" * 1000, os.urandom(8192), b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """Opening garbage names the file and the way out, and does not change a byte."""
    path = tmp_path / "metadata.db"
    path.write_bytes(content)

    with pytest.raises(Corrupt, match=r"metadata\.db.*backup.*\.recover"):
        open_database(sqlite_url(path))

    assert path.read_bytes() == content


def test_a_damaged_page_is_found_when_it_is_read(path: Path) -> None:
    """Bytes overwritten in the middle of the file."""
    with path.open("r+b") as handle:
        handle.seek(path.stat().st_size // 2)
        handle.write(b"\xff" * 16384)
    database = open_database(sqlite_url(path))

    with pytest.raises(Corrupt, match="backup"), database.read() as connection:
        connection.execute(text("select sum(length(text)) from kinds")).all()
    database.close()


def test_text_that_is_none_is_found(path: Path) -> None:
    """Bytes of a text, and of what SQLite says of the file, that are no UTF-8."""
    database = open_database(sqlite_url(path))
    with pytest.raises(Corrupt, match="backup"), database.read() as connection:
        connection.exec_driver_sql("select cast(x'ff' as text)").all()
    database.close()

    with sqlite3.connect(path) as raw:
        raw.execute("pragma writable_schema = on")
        raw.execute(
            "update sqlite_master set sql = cast(x'ff' as text), name = cast(x'ff' as text) where name = 'kinds'"
        )
    with pytest.raises(Corrupt, match="backup"):
        open_database(sqlite_url(path))


def test_a_cut_file_is_found(path: Path) -> None:
    """The end of the file is missing."""
    os.truncate(path, path.stat().st_size - 3 * 4096)
    with pytest.raises(Corrupt), open_database(sqlite_url(path)).read() as connection:
        connection.execute(text("select sum(length(text)) from kinds")).all()


def test_a_full_database_is_said_and_holds_what_it_held(path: Path) -> None:
    """SQLite's own "disk is full": nothing of the write is kept, and smaller writes go on."""
    database = open_database(sqlite_url(path))

    with (
        pytest.raises(Unavailable, match=r"disk is full, nothing was written.*Free some space"),
        database.write() as tx,
    ):
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 10}")
        for _ in range(1000):
            database.bulk(tx, KINDS, [{"text": "y" * 1000}])

    assert count(database, KINDS) == 100
    replace(database, "text", ["small"])
    assert count(database, KINDS) == 1
    database.close()


def test_a_file_that_may_not_grow_is_said(path: Path) -> None:
    """The system refuses to write more bytes: one sentence, and the rows from before."""
    path.parent.chmod(0o777)
    path.chmod(0o666)

    def grow(database: Database) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, resource.RLIM_INFINITY))
        replace(database, "text", ["y" * 1000] * 1000)

    message = _in_child(path, grow)

    assert "Unavailable" in message
    assert "the disk" in message
    database = open_database(sqlite_url(path))
    assert count(database, KINDS) == 100
    database.close()


@pytest.mark.parametrize("in_wal", [False, True])
def test_a_read_only_file_can_be_read(path: Path, in_wal: bool) -> None:
    """Another user, without the right to write: reading works, writing says what is missing."""
    keeper = open_database(sqlite_url(path))
    assert count(keeper, KINDS) == 100
    if not in_wal:
        keeper.close()
    path.chmod(0o444)
    path.parent.chmod(0o555 if in_wal else 0o777)

    def use(database: Database) -> None:
        assert count(database, KINDS) == 100
        replace(database, "text", ["new"])

    message = _in_child(path, use)

    assert "Unavailable" in message
    assert "read-only" in message
    keeper.close()


def test_a_file_that_may_not_be_read_is_said(path: Path) -> None:
    """Another user, without any right."""
    path.chmod(0o000 if os.getuid() else 0o600)

    message = _in_child(path, Database.close)

    assert "cannot be opened" in message


def _in_child(path: Path, act: Callable[[Database], None]) -> str:
    """What an unprivileged child was told when it opened the database and acted on it."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()

    def run() -> None:
        if os.getuid() == 0:
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        try:
            act(open_database(sqlite_url(path)))
            theirs.send("nothing")
        except StackCanvasError as error:
            theirs.send(f"{type(error).__name__}: {error}")

    child = context.Process(target=run)
    child.start()
    theirs.close()
    message: str = mine.recv()
    child.join()
    return message
