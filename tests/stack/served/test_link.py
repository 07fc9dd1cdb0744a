"""The connection: broken off, half answered, answered by a stranger or another release; bytes as in any store."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stackcanvas.backends.objects import ObjectInfo, Objects, check_key
from stackcanvas.cli.main import main
from stackcanvas.errors import BadInput, NotFound, StackCanvasError, Unavailable
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.running import process
from stackcanvas.stack.served.entering import About
from stackcanvas.stack.served.link import CONTENT, RELEASE, Address, Link
from stackcanvas.stack.served.wire import pack
from stackcanvas.testing.objects import ObjectsSuite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .conftest import Server


def answered(body: bytes, *, status: str = "200 OK", kind: str = CONTENT, said: int | None = None) -> bytes:
    """An answer of a server, which may say another length than it has."""
    length = len(body) if said is None else said
    lines = (f"HTTP/1.1 {status}", f"content-type: {kind}", f"{RELEASE}: 9.9", f"content-length: {length}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


def whole(connection: socket.socket) -> bytes:
    """A request with its body: a server that closes without reading all of it resets the connection."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += connection.recv(65536)
    head, _, body = said.partition(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536)
    return said


@pytest.fixture
def scripted() -> Iterator[Callable[..., tuple[Link, list[bytes]]]]:
    """Gives a link to a server that answers with these bytes, one connection each, and what it was asked."""
    kept: list[tuple[socket.socket, threading.Thread, Link]] = []

    def serve(*answers: bytes) -> tuple[Link, list[bytes]]:
        taken = socket.create_server(("127.0.0.1", 0))
        asked: list[bytes] = []

        def work() -> None:
            for one in answers:
                try:
                    connection, _ = taken.accept()
                except OSError:
                    return  # the test is over
                with connection:
                    asked.append(whole(connection))
                    connection.sendall(one)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        link = Link(Address.parse(f"http://127.0.0.1:{taken.getsockname()[1]}"), answer_s=5)
        kept.append((taken, thread, link))
        return link, asked

    yield serve
    for taken, thread, link in kept:
        link.close()
        taken.close()
        thread.join(1)


def test_a_question_is_asked_again_when_the_connection_breaks(
    scripted: Callable[..., tuple[Link, list[bytes]]],
) -> None:
    """Closed without a word, after half an answer, and by a proxy whose server starts anew."""
    half = answered(pack(3), said=100)
    busy = answered(b"busy", status="502 Bad Gateway", kind="text/plain")
    link, asked = scripted(b"", half, busy, answered(pack(3)))

    assert link.call("experiments", "count") == 3
    assert len(asked) == 4


def test_what_may_have_been_done_is_not_done_twice(scripted: Callable[..., tuple[Link, list[bytes]]]) -> None:
    """A change whose answer is lost is said to be uncertain."""
    link, asked = scripted(b"", answered(pack(None)))

    with pytest.raises(Unavailable, match=r"went away before it answered.*It may have been done"):
        link.call("registry", "alias", "delay@1", "champion")
    assert len(asked) == 1


def test_what_a_run_has_logged_is_sent_again(scripted: Callable[..., tuple[Link, list[bytes]]]) -> None:
    """It is written once, however often it arrives."""
    link, asked = scripted(answered(b"", said=50), answered(pack(None)))

    link.call("served", "write", [])
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            answered(b"<html>hello</html>", kind="text/html").replace(RELEASE.encode(), b"x-other"),
            "no stackcanvas server",
        ),
        (answered(b"{}", status="404 Not Found", kind="application/json"), "release 9.9"),
        (answered(b'{"error": "It is full."}', status="503 Busy", kind="application/json"), "It is full"),
        (answered(b"\xc1garbage"), "no value"),
        (answered(b"\xc1garbage", status="400 Bad"), "no value"),
        (
            answered(pack({"kind": "FromTheFuture", "status": 403, "args": ["No."], "facts": {}}), status="403 No"),
            "No.",
        ),
    ],
)
def test_strangers_and_other_releases(
    scripted: Callable[..., tuple[Link, list[bytes]]], answer: bytes, said: str
) -> None:
    """Each is one sentence."""
    link, _ = scripted(*[answer] * 4)

    with pytest.raises(StackCanvasError, match=said):
        link.call("experiments", "count")


def test_what_an_older_server_cannot_do_is_said_with_both_releases(served: Stack) -> None:
    """Before anything is sent."""
    link = served.link
    link.calls, link.theirs = link.calls - {"registry.alias"}, "0.0.9"

    with pytest.raises(Unavailable, match=r"release 0\.0\.9 cannot do registry\.alias, which this client of"):
        served.registry.alias("delay@1", "x")


@pytest.mark.parametrize("release", ["0.0.1", "99.0.0", None])
def test_clients_of_other_releases_work(server: Server, release: str | None, tmp_path: Path) -> None:
    """Older, newer, one that does not say: what both know works; what only one knows is said and changes nothing."""
    stack = server.connect()
    link = stack.link
    link._headers.pop("stackcanvas-release")
    if release is not None:
        link._headers["stackcanvas-release"] = release
    (tmp_path / "rows.csv").write_text("a\n1\n")

    with stack.experiments.run("first") as run:
        run.log(loss=1.0, step=1)
    assert stack.data.commit("rows", tmp_path / "rows.csv").number == 1
    assert [one.value for one in server.stack.experiments.metrics(run.id, "loss")] == [1.0]

    link.calls |= {"experiments.teleport"}
    with pytest.raises(StackCanvasError, match=rf"teleport cannot be asked of a server of release {link.theirs}"):
        link.call("experiments", "teleport", run.id)
    with pytest.raises(StackCanvasError, match=rf"no option 'quantum' in release {link.theirs}.*Leave it out"):
        link.call("experiments", "search", quantum=True)
    assert server.stack.experiments.count() == 1


def test_a_newer_server_may_say_more(scripted: Callable[..., tuple[Link, list[bytes]]], tmp_path: Path) -> None:
    """Its canvas may have answers that this release does not know: the server heeds them."""
    about = About("9.9", "stackcanvas: 1\nproject: {name: x}\nquantum: {entangled: true}\n", ("served.about",))
    link, _ = scripted(answered(pack(about)))

    with open_stack(str(link.address), environ={"XDG_CACHE_HOME": str(tmp_path)}) as stack:
        assert stack.canvas.project.name == "served"


def test_a_server_that_dies_while_a_run_goes_on(server: Server) -> None:
    """Code goes on; what was logged is written when the server is back, and nothing is written twice."""
    root = server.stack.root
    port = socket.create_server(("127.0.0.1", 0))
    number = port.getsockname()[1]
    port.close()

    def start() -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(root), "--port", str(number)]
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", number), 1).close()
            except OSError:
                time.sleep(0.05)  # another process: there is no clock to move
            else:
                return child
        raise AssertionError("the server did not start")

    first = start()
    environ = {"XDG_CACHE_HOME": str(root.parent / "cache"), "STACKCANVAS_TOKEN": server.token("writer")}
    with open_stack(f"http://127.0.0.1:{number}", environ=environ) as stack:
        run = stack.experiments.run("first")
        run.log(loss=1.0, step=1)
        run.flush()
        first.kill()
        first.wait()
        run.log(loss=2.0, step=2)
        with pytest.raises(Unavailable):
            run.set_tag("a", "b")
        second = start()
        run.log(loss=3.0, step=3)
        run.end()
    second.terminate()
    second.wait()

    assert [one.value for one in server.stack.experiments.metrics(run.id, "loss")] == [1.0, 2.0, 3.0]
    assert server.stack.experiments.get(run.id).status == "finished"


def test_the_commands_work_on_a_server(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the address and the token in the environment; what needs the machine itself is refused by name."""
    monkeypatch.setenv("STACKCANVAS_URL", server.url)
    monkeypatch.setenv("STACKCANVAS_TOKEN", server.token("writer"))
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n2,y\n")

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(words) == code
        told = capsys.readouterr()
        return told.out + told.err

    assert "data:rows@1" in run("data", "commit", "rows", str(tmp_path / "rows.csv"))
    assert "rows" in run("data", "ls", "--format", "json")
    run("data", "checkout", "rows", str(tmp_path / "out"))
    assert (tmp_path / "out" / "rows.csv").read_text() == "a,b\n1,x\n2,y\n"
    with server.connect().experiments.run("first", parameters={"depth": 3}) as made:
        made.log(auc=0.8)
    assert made.id in run("experiments", "search", "--format", "json")
    assert "writer-1" in run("metadata", "audit")
    assert "data:rows@1" in run("lineage", "data:rows@1")
    for words in (["up"], ["backup", "x"], ["move", "--to", "x"], ["doctor"], ["migrate"]):
        assert "works on the stack of this machine" in run(*words, code=1)
    (tmp_path / "one.json").write_text("[{}]")
    assert "its own machine only" in run("predictions", "ask", "delay", str(tmp_path / "one.json"), code=1)
    assert "no feature services" in run("features", "services")
    assert "needs an admin" in run("tokens", "ls", code=1)
    monkeypatch.setenv("STACKCANVAS_TOKEN", "sc_wrong")
    assert "unknown, expired or revoked" in run("data", "ls", code=1)


def test_no_folder_of_the_server_is_told(server: Server) -> None:
    """Errors name the thing, not where it lies there."""
    server.stack.objects.put(f"models/ab/{'a' * 64}", b"x")
    with pytest.raises(StackCanvasError) as found:
        server.connect().objects.get(f"models/ab/{'b' * 64}")
    assert isinstance(found.value, NotFound)
    assert str(server.stack.root) not in str(found.value)
    assert process(server.stack.folder, "control") is None


class _OfARun:
    """The files of a run as a store, so that any key can be tried; deleted where they lie, as nobody may from afar."""

    def __init__(self, served: Objects, there: Objects, run_id: str) -> None:
        self._served, self._there = served, there
        self._place = f"runs/{run_id}/artifacts/"
        self.url = served.url

    def put(self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False) -> None:
        self._served.put(self._at(key), data, if_absent=if_absent)

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        self._served.put_file(self._at(key), path, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        return self._served.get(self._at(key), start=start, length=length)

    def size(self, key: str) -> int | None:
        return self._served.size(self._at(key))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        for info in self._served.list(self._place + prefix):
            yield replace(info, key=info.key.removeprefix(self._place))

    def delete(self, key: str) -> None:
        self._there.delete(self._at(key))

    def _at(self, key: str) -> str:
        if len(check_key(key).encode()) > 900:
            raise BadInput("the key is too long with its run")
        return self._place + key


class TestServedObjects(ObjectsSuite):
    """Bytes behind a server keep every promise of a store."""

    examples = 5

    @pytest.fixture
    def open_empty(self, server: Server, served: Stack) -> Callable[[], Objects]:
        """The files of a new run each time."""

        def opened() -> Objects:
            run = served.experiments.run(secrets.token_hex(4))
            run.end()
            return _OfARun(served.objects, server.stack.objects, run.id)

        return opened
