"""Half a request does not hold a connection for ever, and a whole one is answered however slow its answer is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from socket import create_connection, socket
from typing import Any

import pytest
import uvicorn

from stackcanvas.serving.server import patience


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Reads all of a body, but under `/early`, and takes its time under `/slow`."""
    if scope["path"] != "/early":
        while (await receive()).get("more_body"):
            pass
    if scope["path"] == "/slow":
        await asyncio.sleep(0.7)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that waits a quarter of a second."""
    monkeypatch.setattr(patience, "HEAD_S", 0.25)
    monkeypatch.setattr(patience, "SILENCE_S", 0.25)
    config = uvicorn.Config(_app, http=patience.Patient, lifespan="off", log_config=None, timeout_keep_alive=60)
    server = uvicorn.Server(config)
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        running = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        running.start()
        while not server.started:
            time.sleep(0.01)
        yield taken.getsockname()[1]
        server.should_exit = True
        running.join()


def _ends(port: int, *parts: bytes) -> bytes:
    """What comes until the server closes, when the parts are sent one after the other; they never wait for it."""
    with create_connection(("127.0.0.1", port), timeout=30) as connection:
        said = b""
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(0.1)
            while piece := connection.recv(1000):
                said += piece
        except ConnectionError:
            pass
        return said


HEAD = b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"GET / HTTP/1.1\r\nhost:",),
        (b"GET / HTTP/1.1\r\n", *(b"a: b\r\n",) * 20),
        (HEAD % b"/", b"12345"),
    ],
)
def test_half_a_request_is_not_waited_for(port: int, parts: tuple[bytes, ...]) -> None:
    """Nothing, half a head, a head line by line, half a body: the connection is closed, and nothing was answered."""
    assert _ends(port, *parts) == b""


def test_a_body_that_nobody_reads_is_not_waited_for(port: int) -> None:
    """The answer was given without it, and byte by byte it could go on for ever."""
    with create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(HEAD % b"/early")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        with suppress(ConnectionError):
            for _ in range(9):
                connection.sendall(b"1")
                time.sleep(0.1)
            assert connection.recv(1000) == b""  # else this would wait


def test_who_sends_slowly_and_who_waits_are_served(port: int) -> None:
    """A body in small pieces, an answer that takes longer than a request may, and a second request after a pause."""
    with create_connection(("127.0.0.1", port), timeout=30) as connection:
        for path, pieces in ((b"/", 10), (b"/slow", 1), (b"/", 2)):
            connection.sendall(HEAD % path)
            for _ in range(pieces):
                time.sleep(0.05)
                connection.sendall(b"x" * (10 // pieces))
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(0.5)
