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

_ONE = {"Content-Length": "4"}
_ODD: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/latest": (302, {"Location": "/v2/fares.csv?key=1", "Content-Length": "0"}, b""),
    "/export": (200, {**_ONE, "Content-Disposition": 'attachment; filename="day.csv"'}, b"a\n1\n"),
    "/up": (200, {**_ONE, "Content-Disposition": 'attachment; filename="../x.csv"'}, b"a\n1\n"),
    "/broken.csv": (200, {"Transfer-Encoding": "chunked"}, b"4\r\na\n1\n\r\n"),
    "/part.csv": (206, {**_ONE, "Content-Range": "bytes 0-3/9"}, b"a\n1\n"),
    "/packed.csv": (200, {**_ONE, "Content-Encoding": "gzip"}, b"\x1f\x8b\x08\0"),
    "/length.csv": (200, {"Content-Length": "four"}, b"a\n1\n"),
    "/ragged.csv": (200, {"Content-Length": "8"}, b"a,b\n1\n\n\n"),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/missing"):
            self.send_error(404)
        elif self.path.startswith("/locked"):
            self.send_error(403)
        elif self.path in _ODD:
            status, headers, body = _ODD[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        elif self.path == "/mine.csv" and self.headers["Authorization"] != "Basic YWRhOmdlaGVpbQ==":
            self.send_error(401)
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


@pytest.mark.parametrize(
    ("path", "name"),
    [("/latest", "fares.csv"), ("/export", "day.csv"), ("/up", "up"), ("/down.csv/", "download")],
)
def test_what_the_file_is_called(data: Data, network: FaultyNetwork, path: str, name: str) -> None:
    """Where the address tells no kind, the server does, or the place that it sends on to; never a way out."""
    data.ingest("fares", f"http://127.0.0.1:{network.port}{path}")

    assert [file.path for file in data.files("fares")] == [name]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/broken.csv", "IncompleteRead"),
        ("/part.csv", "answers 206"),
        ("/packed.csv", "packs its answer"),
        ("/length.csv", "four"),
    ],
)
def test_answers_that_are_not_the_file(data: Data, network: FaultyNetwork, path: str, said: str) -> None:
    """A part, a packed answer or one that breaks off is not taken for the file."""
    with pytest.raises(Unavailable, match=said):
        data.ingest("fares", f"http://127.0.0.1:{network.port}{path}")
    assert data.ls() == []


def test_a_broken_file_is_named_by_its_address(data: Data, network: FaultyNetwork) -> None:
    """Not by where it was put meanwhile."""
    with pytest.raises(BadInput, match=r"^http://127\.0\.0\.1:\d+/ragged\.csv, ragged\.csv:2: the row has 1 fields"):
        data.ingest("fares", f"http://127.0.0.1:{network.port}/ragged.csv")


def test_a_login_in_the_address(data: Data, network: FaultyNetwork) -> None:
    """It goes to the server, and into no record."""
    made = data.ingest("fares", f"http://ada:geheim@127.0.0.1:{network.port}/mine.csv")

    assert made.rows == 50_000
    assert "geheim" not in str(made)
