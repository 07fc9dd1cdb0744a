"""A Redis server as a key-value store."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.errors import BadInput, Unavailable
from stackcanvas.testing.keyvalue import KeyValueSuite
from stackcanvas.testing.redis import RedisServer

_WRITE_MINE = """
import sys
from stackcanvas.backends.keyvalue import open_keyvalue
store = open_keyvalue(sys.argv[1])
worker = int(sys.argv[2])
for number in range(40):
    store.put_many([(b"shared", number, b"%d" % number), (b"own:%d:%d" % (worker, number), 1, b"")])
"""
_WRITE_FOREVER = """
import sys
from stackcanvas.backends.keyvalue import open_keyvalue
store = open_keyvalue(sys.argv[1])
print("ready", flush=True)
for number in range(10**9):
    store.put_many([(b"%d" % key, number, b"%d" % number) for key in range(2000)])
"""


class TestRedisKeyValue(KeyValueSuite):
    @pytest.fixture
    def open_empty(self, redis_server: RedisServer) -> Callable[[], KeyValue]:
        """Opens the server under a prefix that nobody has used."""
        return lambda: open_keyvalue(redis_server.url, namespace=secrets.token_hex(6))


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may end."""
    server = RedisServer(keep=True)
    server.start()
    yield server
    server.stop()


def test_several_processes_write_at_once(redis_url: str) -> None:
    """Nothing is lost, and the newest stays."""
    writers = [subprocess.Popen([sys.executable, "-c", _WRITE_MINE, redis_url, str(worker)]) for worker in range(4)]

    assert [writer.wait() for writer in writers] == [0] * 4

    store = open_keyvalue(redis_url)
    assert len(list(store.scan(b"own:"))) == 4 * 40
    assert store.get_many([b"shared"]) == [b"39"]
    store.close()


def test_a_killed_writer(redis_url: str) -> None:
    """A batch of a killed writer is there as a whole or not at all."""
    for number in range(4):
        command = [sys.executable, "-c", _WRITE_FOREVER, redis_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            threading.Event().wait(0.02 * number)
            writer.kill()
        store = open_keyvalue(redis_url)
        assert len(set(store.get_many([b"%d" % key for key in range(2000)]))) == 1
        store.close()


def test_a_server_that_is_killed_and_comes_back(own_server: RedisServer) -> None:
    """While it is away that is said with its address; afterwards the same store works again."""
    store = open_keyvalue(own_server.url)
    store.put_many([(b"a", 1, b"1")])

    own_server.kill()
    with pytest.raises(
        Unavailable, match=rf"redis://127.0.0.1:{own_server.port}/0: the connection to the Redis server"
    ):
        store.get_many([b"a"])
    with pytest.raises(Unavailable):
        store.put_many([(b"a", 2, b"2")])

    own_server.start()
    assert store.get_many([b"a"]) == [b"1"]
    assert store.put_many([(b"a", 0, b"older")]) == 0
    store.close()


def test_nobody_listens() -> None:
    """Opening sends nothing; the first use says what is wrong."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        store = open_keyvalue(f"redis://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(Unavailable, match=r"features\.databases\.online"):
            store.get_many([b"a"])
    store.close()


def test_passwords_are_asked_for_and_never_shown() -> None:
    """A wrong one is said without repeating it."""
    server = RedisServer("--requirepass", "geheim")
    server.start()
    try:
        right = open_keyvalue(f"redis://:geheim@127.0.0.1:{server.port}/0")
        assert right.put_many([(b"a", 1, b"1")]) == 1
        for wrong in ("", ":falsch@"):
            store = open_keyvalue(f"redis://{wrong}127.0.0.1:{server.port}/0")
            with pytest.raises(Unavailable, match="does not let us in") as caught:
                store.get_many([b"a"])
            assert "falsch" not in str(caught.value)
            store.close()
        right.close()
    finally:
        server.stop()


def test_a_full_server_loses_nothing() -> None:
    """What does not fit is refused and what is there stays."""
    server = RedisServer("--maxmemory", "3mb")
    server.start()
    store = open_keyvalue(server.url)
    try:
        store.put_many([(b"a", 1, b"kept")])
        with pytest.raises(Unavailable, match="memory of the Redis server is full"):
            for number in range(100):
                store.put_many([(b"%d" % number, 1, b"x" * 1_000_000)])
        assert store.get_many([b"a"]) == [b"kept"]
    finally:
        store.close()
        server.stop()


def test_projects_share_a_server(redis_server: RedisServer) -> None:
    """A prefix may hold what the server takes for a pattern."""
    mine, yours = (open_keyvalue(redis_server.url, namespace=name) for name in ("team[1]*", "team1"))
    mine.put_many([(b"a?", 1, b"mine")])
    yours.put_many([(b"ab", 1, b"yours")])

    assert list(mine.scan(b"a?")) == [(b"a?", 1, b"mine")]
    assert list(yours.scan(b"")) == [(b"ab", 1, b"yours")]
    mine.close()
    yours.close()


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://host/0?nonsense=1", "redis://[::1/0"])
def test_an_address_that_cannot_be_read(url: str) -> None:
    """It is said at once, not at the first use."""
    with pytest.raises(BadInput, match="cannot be read"):
        open_keyvalue(url)


def test_a_store_that_was_closed(redis_url: str) -> None:
    """Using it says so."""
    store = open_keyvalue(redis_url)
    store.close()

    with pytest.raises(BadInput, match="closed"):
        store.get_many([b"a"])
