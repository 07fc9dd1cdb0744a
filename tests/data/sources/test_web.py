"""Files behind an address, on servers of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.data import Data
from stackcanvas.data.sources import web
from stackcanvas.errors import BadInput, NotFound, Unavailable
from stackcanvas.testing.faulty import Fault, FaultyNetwork
from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["s3_server", "s3_url"]

_TEXT = "id,fare\n" + "".join(f"{number},{number / 2}\n" for number in range(50_000))


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self.send_error(404)
        elif self.path.startswith("/locked"):
            self.send_error(403)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(_TEXT)))
            self.end_headers()
            self.wfile.write(_TEXT.encode())

    def log_message(self, *_: object) -> None:  # nothing is printed
        pass


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyNetwork]:
    """A server of the web behind a network that may fail."""
    monkeypatch.setattr(web, "_PAUSE_S", 0.01)
    monkeypatch.setattr(web, "_PATIENCE_S", 0.5)
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    running = threading.Thread(target=server.serve_forever)
    running.start()
    with FaultyNetwork(server.server_port) as between:
        yield between
    server.shutdown()
    running.join()
    server.server_close()


def test_a_file_of_the_web(data: Data, network: FaultyNetwork) -> None:
    """It keeps its name and its bytes; the address is recorded without its secrets."""
    made = data.ingest("fares", f"http://127.0.0.1:{network.port}/a%20b/fares.csv?token=geheim")

    assert (made.rows, made.kind) == (50_000, "files")
    assert [file.path for file in data.files("fares")] == ["fares.csv"]
    assert made.source[0].endswith("/fares.csv?token=***")
    assert data.status()[0].state == "not here"
    assert list((data._parts.scratch.folder).iterdir()) == []


@pytest.mark.parametrize(
    "fault", [Fault(after_answered=1000), Fault(after_answered=400_000), Fault(after_answered=9, stall=True)]
)
def test_half_a_file_is_not_taken(data: Data, network: FaultyNetwork, fault: Fault) -> None:
    """An answer that breaks off is asked for again."""
    network.strike(fault)

    assert data.ingest("fares", f"http://127.0.0.1:{network.port}/fares.csv").rows == 50_000
    assert network.struck == 1


def test_a_server_that_does_not_answer(data: Data, network: FaultyNetwork) -> None:
    """What it says is told, and there is no version."""
    url = f"http://127.0.0.1:{network.port}"
    with pytest.raises(NotFound, match="missing"):
        data.ingest("x", f"{url}/missing.csv")
    with pytest.raises(Unavailable, match="403"):
        data.ingest("x", f"{url}/locked.csv")
    network.strike(Fault(after_answered=100, at_most=100))
    with pytest.raises(Unavailable, match="cannot be had"):
        data.ingest("x", f"{url}/fares.csv")
    assert data.ls() == []


def test_objects_and_folders_of_a_store(data: Data, s3_url: str) -> None:
    """One object is a file, a prefix is a folder of files."""
    objects = open_objects(s3_url)
    for name in ("raw/jan.csv", "raw/feb.csv", "raw/more/mar.csv"):
        objects.put(name, b"id,fare\n1,2\n")
    base, _, options = s3_url.partition("?")

    assert data.ingest("one", f"{base}/raw/jan.csv?{options}").rows == 1
    made = data.ingest("all", f"{base}/raw?{options}")
    assert made.rows == 3
    assert [file.path for file in data.files("all")] == ["feb.csv", "jan.csv", "more/mar.csv"]
    with pytest.raises(NotFound):
        data.ingest("x", f"{base}/nothing?{options}")
    with pytest.raises(BadInput, match="whole bucket"):
        data.ingest("x", "s3://bucket")


def test_a_path(data: Data, root: Path) -> None:
    """A path from the project's folder is committed as it is."""
    (root / "data").mkdir()
    (root / "data" / "x.csv").write_text("id\n1\n")

    assert data.ingest("x", "data/x.csv").source == ("data/x.csv",)
    with pytest.raises(NotFound, match="no source"):
        data.ingest("y")
