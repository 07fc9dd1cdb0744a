"""A tracking server as the source: paging, credentials, a server that lies, hangs up, or dies and comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stackcanvas.errors import BadInput, Refused, Unavailable
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.importing import Imported
from stackcanvas.stack.importing.mlflow import import_mlflow
from stackcanvas.stack.running import process

from .conftest import make

RUN = "0123456789abcdef0123456789abcdef"


class Fake:
    """Answers as a tracking server with one run does, except where a test says otherwise.

    Args:
        answers: path -> what is answered there: a document, bytes, a status, or a function of the query.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Any] = {
            "experiments/search": {"experiments": [{"experiment_id": "7", "name": "churn"}]},
            "runs/search": {"runs": [run()]},
            "metrics/get-history": {"metrics": [{"key": "loss", "value": 0.5, "timestamp": 1000, "step": 1}]},
            "artifacts/list": {"files": [{"path": "note.txt", "is_dir": False, "file_size": 5}]},
            "get-artifact": b"hello",
            "logged-models/search": 404,
            "registered-models/search": {},
            "traces/search": 404,
        }
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fake.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fake.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        parts = urlsplit(handler.path)
        name = next((known for known in self.answers if parts.path.endswith(known)), "")
        self.asked.append(name)
        self.headers.append(dict(handler.headers))
        found = self.answers.get(name, 404)
        if callable(found):
            found = found({key: values[0] for key, values in parse_qs(parts.query).items()})
        if found is None:  # hang up
            handler.close_connection = True
            handler.connection.close()
            return
        status, body = (found, b"{}") if isinstance(found, int) else (200, found)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


def run(**changed: Any) -> dict[str, Any]:
    """A run as the API tells it."""
    info = {
        "run_id": RUN,
        "experiment_id": "7",
        "run_name": "one",
        "status": "FINISHED",
        "start_time": 5,
        "end_time": 9,
    }
    return {
        "info": {**info, **changed},
        "data": {"metrics": [{"key": "loss", "value": 0.5, "timestamp": 1000, "step": 1}]},
    }


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A tracking server that does as it is told."""
    one = Fake()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def take(stack: Stack, fake: Fake) -> Callable[..., Imported]:
    """Imports from it, without waiting between tries."""
    return lambda **options: import_mlflow(stack, options.pop("uri", fake.url), pause=lambda _: None, **options)


def test_pages_retries_and_files(stack: Stack, fake: Fake, take: Callable[..., Imported]) -> None:
    """A server that is busy now and then, and gives its lists in pages."""
    busy = iter([503, None, 429])
    first, second = {"runs": [run()], "next_page_token": "b"}, {"runs": [run(run_id="f" * 32, run_name="two")]}
    pages = iter([first, second])
    fake.answers["runs/search"] = lambda _: next(busy, 0) or next(pages)
    fake.answers["artifacts/list"] = lambda query: (
        {"files": [{"path": "deep/er", "is_dir": True}]}
        if query.get("path") == "deep"
        else {"files": [{"path": "deep/er/x", "file_size": "5"}]}
        if query.get("path")
        else {"files": [{"path": "deep", "is_dir": True}, {"path": "a b.txt", "file_size": 5}]}
    )
    broken_off = iter([None])
    fake.answers["get-artifact"] = lambda _: next(broken_off, b"hello")

    done = take()

    assert [found.name for found in stack.experiments.search(order_by="name")] == ["one", "two"]
    assert stack.experiments.catalog.get(7).name == "churn"
    assert [one.path for one in stack.experiments.files.walk(RUN)] == ["a b.txt", "deep/er/x"]
    assert (done.left_out, done.size_bytes) == ((), 20)


def test_credentials_go_along_and_are_never_shown(stack: Stack, fake: Fake, take: Callable[..., Imported]) -> None:
    """From the environment or the address; the report and the records name neither."""
    done = take(uri=fake.url.replace("http://", "http://ada:s3cret@"))
    assert fake.headers[0]["Authorization"] == "Basic YWRhOnMzY3JldA=="
    take(environ={"MLFLOW_TRACKING_TOKEN": "t0ken"})
    assert fake.headers[-1]["Authorization"] == "Bearer t0ken"
    fake.answers["experiments/search"] = 401
    with pytest.raises(Refused, match="MLFLOW_TRACKING_TOKEN") as caught:
        take(environ={"MLFLOW_TRACKING_TOKEN": "t0ken"})

    kept = repr([(one.parameters, one.error) for one in stack.spine.executions.search()]) + repr(done)
    assert not {word for word in ("s3cret", "t0ken") if word in kept + caught.value.sentence()}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("artifacts/list", {"files": [{"path": "../../etc/passwd", "file_size": 5}]}),
        ("artifacts/list", {"files": [{"path": "/etc/passwd", "file_size": 5}]}),
        ("artifacts/list", {"files": [{"path": "a\\b", "file_size": 5}]}),
        ("artifacts/list", {"files": [{"path": "x" * 300, "file_size": 5}]}),
        ("artifacts/list", {"files": [{"path": "", "is_dir": True}]}),
        ("artifacts/list", {"files": [{"path": "a", "is_dir": True}]}),
        ("artifacts/list", {"files": [{"path": "short.bin", "file_size": 900}]}),
        ("get-artifact", 404),
        ("get-artifact", 500),
    ],
)
def test_a_file_that_cannot_come_is_told_and_tried_again(
    stack: Stack, fake: Fake, take: Callable[..., Imported], path: str, answer: Any
) -> None:
    """Paths that climb, loops of folders, wrong sizes, missing files: the run comes, and the next import mends it."""
    good = fake.answers[path]
    fake.answers[path] = answer

    done = take()

    assert [left.kind[:4] for left in done.left_out] == ["file"]
    assert stack.experiments.count() == 1
    assert [info.key for info in stack.objects.list("runs/") if "artifacts/" in info.key] == []
    fake.answers[path] = good
    again = take()
    assert again.changed == 1
    assert stack.experiments.files.get(RUN, "note.txt") == b"hello"
    assert take().changed == 0


@pytest.mark.parametrize(
    "broken",
    [
        {"info": {"run_id": "../../x", "experiment_id": "7"}},
        {"info": {"experiment_id": "7"}},
        {"info": None},
        run(start_time="soon"),
        run(start_time=10**18),
        run(run_name="a\0b"),
        {**run(), "data": {"params": [{"key": "\ud800", "value": "x"}]}},
        {**run(), "data": {"metrics": [{"key": "loss", "value": "high"}]}},
        {**run(), "data": {"tags": "none"}},
    ],
)
def test_a_run_that_makes_no_sense_costs_only_itself(
    stack: Stack, fake: Fake, take: Callable[..., Imported], broken: dict[str, Any]
) -> None:
    """The others of the same answer come in."""
    fake.answers["runs/search"] = {"runs": [broken, run(run_id="f" * 32)]}

    done = take()

    assert [left.kind for left in done.left_out] == ["run"]
    assert [found.id for found in stack.experiments.search()] == ["f" * 32]


def test_points_that_no_database_keeps_are_refused(stack: Stack, fake: Fake, take: Callable[..., Imported]) -> None:
    """Steps and times beyond 64 bits or beyond the calendar."""
    for point in ({"step": 1 << 70}, {"timestamp": 1 << 60}, {"key": "a\0b"}):
        fake.answers["metrics/get-history"] = {"metrics": [{"key": "loss", "value": 1, "timestamp": 1, **point}]}
        assert [left.kind for left in take().left_out] == ["run"]
    assert stack.experiments.count() == 0


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", {"experiments": 7}, {"experiments": ["x"]}, {"next_page_token": "again"}, 302]
)
def test_what_is_no_tracking_server_is_said_plainly(fake: Fake, take: Callable[..., Imported], answer: Any) -> None:
    """A page of something else, and one that gives the same page for ever."""
    fake.answers["experiments/search"] = answer

    with pytest.raises((BadInput, Unavailable)):
        take()


def test_a_server_that_dies_in_the_middle(stack: Stack, fake: Fake, take: Callable[..., Imported]) -> None:
    """What came stays, the command says so, and the next one goes on."""
    runs = [run(run_id=f"{number:032x}", start_time=number) for number in range(200)]
    fake.answers["runs/search"] = {"runs": runs}
    good = fake.answers["metrics/get-history"]
    dead: list[bool] = []

    def dying(_: object) -> Any:
        if len([name for name in fake.asked if name == "metrics/get-history"]) > 150:
            dead.append(True)
            fake.answers = dict.fromkeys(fake.answers, lambda _: None)
            return None
        return good

    whole = dict(fake.answers)
    fake.answers["metrics/get-history"] = dying
    with pytest.raises(Unavailable, match="goes on where it stopped"):
        take()

    came = stack.experiments.count()
    assert dead
    assert 0 < came < 200
    assert [one.state for one in stack.spine.executions.search(kind="import.mlflow")] == ["failed"]
    fake.answers = whole
    done = take()
    assert (stack.experiments.count(), done.new) == (200, 200 - came)
    assert stack.experiments.count(where="metrics.loss = 0.5") == 200


def test_from_a_stack_to_another_and_killed_on_the_way(
    tmp_path: Path, mlflow_db: Path, seen: Callable[[Stack], dict[str, Any]]
) -> None:
    """Our own tracking API is a source as any other; kill -9 in the middle costs nothing."""
    there = make(tmp_path / "first")
    with open_stack(there) as stack:
        stack.imports.mlflow(str(mlflow_db))
        for number in range(60):
            with stack.experiments.run("many", parameters={"number": number}) as one:
                one.log({"loss": number})
                one.log_artifact("n.txt", b"n" * number)
        before = seen(stack)
    command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(there), "--port", "0"]
    control = subprocess.Popen(command)
    try:
        last = time.monotonic() + 60
        while (found := process(there / ".stackcanvas", "control")) is None or found.url is None:
            assert control.poll() is None
            assert time.monotonic() < last
            time.sleep(0.05)
        root = make(tmp_path / "second")
        words = [sys.executable, "-m", "stackcanvas.cli", "--project", str(root), "import", "mlflow", found.url]
        for _ in range(3):
            taking = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.8)
            taking.send_signal(signal.SIGKILL)
            taking.wait()
        assert subprocess.run(words, capture_output=True, check=False).returncode == 0
        with open_stack(root) as stack:
            after = seen(stack)
            again = stack.imports.mlflow(found.url)
        assert (again.new, again.changed) == (0, 0)
    finally:
        control.terminate()
        control.wait()

    # The protocol tells times in milliseconds: all else is the same.
    assert after["runs"].keys() == before["runs"].keys()
    for run_id, facts in before["runs"].items():
        assert after["runs"][run_id][:3] == facts[:3]
        assert after["runs"][run_id][5:7] == facts[5:7]
        assert after["runs"][run_id][9:] == facts[9:]
    assert {name: one[:3] for name, one in after["models"].items()} == {
        name: one[:3] for name, one in before["models"].items()
    }
