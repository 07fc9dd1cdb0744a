"""The dead man's address: asked while all is well, never said, and never waited for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stackcanvas.server.pulse import DeadMan
from stackcanvas.server.said import Said


class Receiver(ThreadingHTTPServer):
    """Counts who asks, and answers with a status."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 200
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                own.heard.append(f"{self.path} {self.headers['authorization']}")
                self.send_response(own.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who waits for word."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def dead_man(receiver: Receiver, said: Said, is_well: Callable[[], bool]) -> DeadMan:
    """What asks there, with a secret in the address."""
    address = f"http://ada:geheim@127.0.0.1:{receiver.server_port}/ping/geheim?key=geheim"
    return DeadMan(address, every=timedelta(minutes=1), is_well=is_well, said=said)


def test_it_is_asked_only_while_all_is_well(receiver: Receiver) -> None:
    """Not while something fails; again when that is over."""
    failing = {"scheduler": "The database is away."}
    one = dead_man(receiver, Said(logging.getLogger("stackcanvas.worker")), is_well=lambda: not failing)

    assert not one.once()
    failing.clear()
    assert one.once()

    assert receiver.heard == ["/ping/geheim?key=geheim Basic YWRhOmdlaGVpbQ=="]


def test_what_it_answers_is_said_once_and_without_the_address(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused again and again, then gone, then well."""
    said = Said(logging.getLogger("stackcanvas.worker"))
    one = dead_man(receiver, said, is_well=lambda: True)
    with caplog.at_level(logging.INFO):
        receiver.status = 404
        one.once()
        one.once()
        receiver.status = 200
        one.once()
        gone = DeadMan("http://127.0.0.1:1/geheim", every=timedelta(minutes=1), is_well=lambda: True, said=said)
        gone.once()

    assert [record.getMessage() for record in caplog.records] == [
        "dead man's address failed: monitoring.alerting.dead_man: it answered 404.",
        "dead man's address works again",
        "dead man's address failed: monitoring.alerting.dead_man: it cannot be reached (ConnectionRefusedError).",
    ]
    assert "geheim" not in caplog.text


def test_it_ends_at_once_when_told(receiver: Receiver) -> None:
    """However long the time between two questions."""
    stop = threading.Event()
    one = dead_man(receiver, Said(logging.getLogger("stackcanvas.worker")), is_well=lambda: True)
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    last = time.monotonic() + 30
    while not receiver.heard:
        assert time.monotonic() < last
        time.sleep(0.01)
    stop.set()
    thread.join(30)

    assert not thread.is_alive()
    assert len(receiver.heard) == 1
