"""A database or an object store that goes away while the processes of a stack run, and comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.running import process
from stackcanvas.testing.postgres import PostgresServer

CANVAS = "stackcanvas: 1\nproject: {name: delays}\nmetadata: {store: {url: '${STATE}'}}\n"
Start = Callable[..., Path]


def until(condition: Callable[[], bool], *, patience_s: float = 90.0) -> None:
    """Wait for what other processes do; there is no clock to pass to them."""
    last = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test alone, which may be stopped."""
    one = PostgresServer()
    one.start()
    yield one
    one.remove()


@pytest.fixture
def root(tmp_path: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose records lie there."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    monkeypatch.setenv("STATE", f"{server.url}&schema=delays")
    with open_stack(tmp_path):
        return tmp_path


@pytest.fixture
def start(root: Path) -> Iterator[Start]:
    """Starts a process of the stack alone; gives the file with what it says."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(name: str, *words: str) -> Path:
        said = root / f"{name}.log"
        place = ["--folder", ".stackcanvas"] if name == "predict" else ["--project", "."]
        command = [sys.executable, "-m", f"stackcanvas.server.{name}", *place, *words]
        with said.open("wb") as log:
            one = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
        running.append(one)
        until(lambda: (found := process(root / ".stackcanvas", name)) is not None and found.pid == one.pid)
        return said

    yield begin
    for one in running:
        one.terminate()
    for one in running:
        one.wait(30)


def ask(root: Path, path: str, content: object = None, *, process_name: str = "control") -> tuple[int, Any]:
    """The status and the body of an answer."""
    found = process(root / ".stackcanvas", process_name)
    assert found is not None
    body = None if content is None else json.dumps(content).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{found.url}{path}", data=body, headers=headers)  # noqa: S310 - of this machine
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read().decode()
    return status, json.loads(text) if text.startswith(("{", "[")) else text


def test_control_says_so_and_goes_on(root: Path, start: Start, server: PostgresServer) -> None:
    """503 with a sentence on every kind of path while PostgreSQL is away, and as before when it is back."""
    said = start("control", "--port", "0")
    assert ask(root, "/health/ready")[0] == 200

    server.stop()
    for path, content in (
        ("/", None),
        ("/runs", None),
        ("/api/v1/metadata/executions", None),
        ("/api/2.0/mlflow/experiments/get?experiment_id=0", None),
        ("/api/2.0/mlflow/runs/create", {"experiment_id": "0"}),
        ("/api/v1/data", None),
    ):
        status, told = ask(root, path, content)
        assert (status, "PostgreSQL" in str(told)) == (503, True), (path, status, told)
    assert ask(root, "/health") == (200, "OK")
    until(lambda: ask(root, "/health/ready")[0] == 503)
    parts = ask(root, "/health/ready")[1]["parts"]
    assert (parts["database"], parts["object store"]) == ("it cannot be used", "ok")

    server.start()
    until(lambda: ask(root, "/health/ready")[0] == 200)
    assert ask(root, "/")[0] == 200
    assert ask(root, "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})[0] == 200
    assert "Traceback" not in said.read_text()


def test_a_database_that_is_frozen_does_not_take_control_with_it(
    root: Path, start: Start, server: PostgresServer
) -> None:
    """While more requests wait than there are threads, control lives and says that it is not ready; then all go on."""
    said = start("control", "--port", "0")
    with ThreadPoolExecutor(50) as asking:
        server.freeze()
        try:
            waiting = [asking.submit(ask, root, "/api/v1/runs") for _ in range(44)]
            made = [asking.submit(ask, root, "/api/2.0/mlflow/runs/create", {"experiment_id": "0"}) for _ in range(4)]
            until(lambda: ask(root, "/health/ready")[0] == 503)
            for path in ("/health", "/version", "/metrics"):
                assert ask(root, path)[0] == 200
            assert not any(one.done() for one in (*waiting, *made))
        finally:
            server.thaw()
        assert {one.result()[0] for one in (*waiting, *made)} == {200}
    assert len(ask(root, "/api/v1/runs")[1]["items"]) == len(made)
    until(lambda: ask(root, "/health/ready")[0] == 200)
    assert "Traceback" not in said.read_text()


def test_what_works_beside_it_waits_or_says_so(root: Path, start: Start, server: PostgresServer) -> None:
    """A worker complains once and goes on; a run loses nothing of what it logs; a commit is refused in a sentence."""
    said = start("worker")
    beats = until_beating(root)
    (root / "rows.csv").write_text("a\n1\n")
    with open_stack(root) as stack:
        run = stack.experiments.run("steady")
        run.log(loss=0.0, step=0)
        run.flush()
        server.stop()
        for step in range(1, 50):
            run.log(loss=float(step), step=step)
        until(lambda: "failed: " in said.read_text())
        with pytest.raises(Unavailable, match="PostgreSQL"):
            stack.data.commit("rows", root / "rows.csv")
        time.sleep(6)  # the worker tries again and again meanwhile, and another process has no clock to move
        server.start()
        run.log(loss=50.0, step=50)
        run.end()

        assert [one.value for one in stack.experiments.metrics(run.id, "loss")] == [float(step) for step in range(51)]
        assert stack.data.commit("rows", root / "rows.csv").number == 1
        until(lambda: any(one.kind == "worker" and one.heard > beats for one in stack.spine.heartbeats.ls()))
        until(lambda: "works again" in said.read_text())
        until(lambda: not stack.spine.heartbeats.ls()[0].facts["failing"])
    told = said.read_text()
    assert "Traceback" not in told
    assert len([line for line in told.splitlines() if " failed: " in line]) <= 4, told


def until_beating(root: Path) -> datetime:
    """When the worker was heard of, once it was."""
    with open_stack(root) as stack:
        until(lambda: bool(stack.spine.heartbeats.ls()))
        return stack.spine.heartbeats.ls()[0].heard
