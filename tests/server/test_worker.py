"""Workers as real processes: two on one database, the leader killed or paused, and what they say of themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stackcanvas.metadata import Ref
from stackcanvas.server.worker import names
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.running import process

CANVAS = """
stackcanvas: 1
project: {name: delays}
metadata: {store: {url: "${STATE}"}}
pipelines: {retraining: [{pipeline: train, on: data.committed}]}
monitoring: {alerting: {dead_man: {url: "${DEAD_MAN}", every: 1s}}}
"""
CODE = """
import stackcanvas as sc

@sc.pipeline
def train():
    return 1
"""


def until(condition: Callable[[], bool], *, patience_s: float = 120.0) -> None:
    """Wait for what other processes do; there is no clock to pass to them."""
    last = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.05)


class Workers:
    """Machines that share one database, as folders: each has its own files and its own worker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def project(self, name: str) -> Path:
        """The folder of a machine."""
        root = self._folder / name
        if not root.exists():
            root.mkdir()
            (root / "canvas.yaml").write_text(CANVAS)
            (root / "pipelines.py").write_text(CODE)
        return root

    def start(self, name: str) -> None:
        """Start the worker of a machine; gives back when it works."""
        root = self.project(name)
        command = [sys.executable, "-m", "stackcanvas.server.worker", "--project", str(root)]
        with (root / "log").open("ab") as log:
            one = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
        self.running[name] = one
        until(lambda: (found := process(root / ".stackcanvas", "worker")) is not None and found.pid == one.pid)

    def send(self, name: str, number: int) -> None:
        """Send a signal to one."""
        self.running[name].send_signal(number)

    def said(self, name: str) -> str:
        """What one has said."""
        return (self._folder / name / "log").read_text()


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What the dead man's address was asked; its address is in the environment."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEAD_MAN", f"http://127.0.0.1:{server.server_port}/geheim")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.soak), "postgresql"])
def workers(
    request: pytest.FixtureRequest, tmp_path: Path, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workers]:
    """Machines over a fresh database."""
    state = request.getfixturevalue("postgres_url") if request.param == "postgresql" else f"sqlite:///{tmp_path}/s.db"
    monkeypatch.setenv("STATE", state)
    made = Workers(tmp_path)
    yield made
    for one in made.running.values():
        one.kill()
        one.wait()


def leader(stack: Stack) -> str:
    """The name of the machine whose worker schedules; empty when none does."""
    holders = [lease.holder for lease in stack.spine.leases.holders() if lease.name == "tick:scheduler"]
    return Path(holders[0].split()[2]).name if holders else ""


def commit(stack: Stack, number: int) -> None:
    """Let an event happen that starts a pipeline."""
    with stack.spine.write() as tx:
        stack.spine.events.emit(tx, "data.committed", Ref("data", "flights", str(number)))


def test_work_moves_to_another_machine(workers: Workers, heard: list[str]) -> None:
    """The leader paused, then the next one killed: the work goes on within the lease, and nothing is done twice."""
    first, second = "one", "two"
    workers.start(first)
    with open_stack(workers.project("looking"), environ=os.environ) as stack:
        until(lambda: leader(stack) == first)
        workers.start(second)
        until(lambda: len(stack.spine.heartbeats.ls()) == 2)
        assert {(one.kind, one.overdue) for one in stack.spine.heartbeats.ls()} == {("worker", False)}
        commit(stack, 1)
        until(lambda: len(stack.pipelines.runs()) == 1)
        until(lambda: bool(heard))

        workers.send(first, signal.SIGSTOP)
        commit(stack, 2)
        until(lambda: len(stack.pipelines.runs()) == 2)
        assert leader(stack) == second
        until(lambda: [one.overdue for one in stack.spine.heartbeats.ls()].count(True) == 1)
        workers.send(first, signal.SIGCONT)
        until(lambda: "was lost to another" in workers.said(first))
        commit(stack, 3)
        until(lambda: len(stack.pipelines.runs()) == 3)
        assert leader(stack) == second
        until(lambda: not any(one.overdue for one in stack.spine.heartbeats.ls()))

        workers.send(second, signal.SIGKILL)
        workers.running[second].wait()
        commit(stack, 4)
        until(lambda: len(stack.pipelines.runs()) == 4)
        assert leader(stack) == first
        caused = [run.trigger for run in stack.pipelines.runs()]
        assert sorted(caused) == [f"data.committed data:flights@{number}" for number in range(1, 5)]
        until(lambda: all(run.state == "finished" for run in stack.pipelines.runs()))

    told = json.dumps([workers.said(first), workers.said(second)])
    assert "geheim" not in told
    assert "Traceback" not in told


def test_workers_of_folders_with_one_name_are_told_apart(tmp_path: Path) -> None:
    """As in two containers: each has a name of its own, and the next one of a folder knows the last one's."""
    for container in ("one", "two"):
        (tmp_path / container).mkdir()
    here, there = tmp_path / "one", tmp_path / "two"
    for root in (here, there):
        (root / ".stackcanvas" / "run").mkdir(parents=True)
    first, again = names(here), names(here)
    other = names(there)

    assert first[0] is None
    assert again[0] == first[1]
    assert other[0] is None
    assert len({first[1], again[1], other[1]}) == 3
    assert f"worker of {here} on " in first[1]
