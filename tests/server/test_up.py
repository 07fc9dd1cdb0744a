"""`stackcanvas up` as a person runs it: real processes on real ports, killed without warning."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcanvas.stack.running import NAMES, Process, is_alive, process, processes

CANVAS = "stackcanvas: 1\nproject: {name: delays}\n"


def until(condition: Callable[[], bool], *, patience_s: float = 90.0) -> None:
    """Wait for what other processes do; there is no clock to pass to them."""
    last = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with an empty canvas."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    return tmp_path


@pytest.fixture
def up(root: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `stackcanvas up` in the project; ends what is left of it."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        ports = words or ("--port", "0", "--predict-port", "0")
        command = [sys.executable, "-m", "stackcanvas.cli", "up", *ports]
        running = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.poll() is None:
            running.terminate()
        running.communicate(timeout=60)


def found(root: Path, name: str) -> Process:
    """A process that announced itself."""
    one = process(root / ".stackcanvas", name)
    assert one is not None
    return one


def ready(running: subprocess.Popen[str]) -> str:
    """Wait for the greeting; gives the address of the pages."""
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line.startswith("The canvas:"), line or running.communicate()[1]
    return line.split()[-1]


def get(url: str) -> str:
    """What an address answers."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - an address of this machine
        return str(answer.read().decode())


def test_all_three_run_are_started_again_and_stop(root: Path, up: Callable[..., subprocess.Popen[str]]) -> None:
    """Ready means answering; a second one is refused; kill -9 of each is mended on the same port; SIGTERM ends all."""
    running = up()
    url = ready(running)
    assert "delays" in get(url)
    assert get(f"{found(root, 'predict').url}/health")

    second = up()
    said = second.communicate(timeout=60)[1]
    assert second.returncode == 5
    assert url.rstrip("/") in said
    assert str(running.pid) in said

    before = {name: found(root, name) for name in NAMES}
    for one in before.values():
        os.kill(one.pid, signal.SIGKILL)
    until(
        lambda: (
            all(one.pid != before[one.name].pid for one in processes(root / ".stackcanvas"))
            and len(processes(root / ".stackcanvas")) == 3
        )
    )
    assert [found(root, name).port for name in NAMES] == [before[name].port for name in NAMES]
    assert "delays" in get(url)

    after = [found(root, name).pid for name in NAMES]
    running.terminate()
    assert running.communicate(timeout=60)[1].endswith("Stopped.\n")
    assert running.returncode == 0
    assert not any(is_alive(pid) for pid in after)


def test_when_the_parent_is_killed_the_next_one_starts(root: Path, up: Callable[..., subprocess.Popen[str]]) -> None:
    """Kill -9 of `up`: the children leave by themselves, and `up` works again with the same ports."""
    first = up()
    ready(first)
    ports = [str(found(root, name).port) for name in ("control", "predict")]
    children = [found(root, name).pid for name in NAMES]
    first.kill()

    ready(up("--port", ports[0], "--predict-port", ports[1]))

    assert not any(is_alive(pid) for pid in children)


def test_a_taken_port_is_an_error(root: Path, up: Callable[..., subprocess.Popen[str]]) -> None:
    """Never silently the next one: a sentence that names the port, exit code 6, and nothing is left running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = up("--port", str(port), "--predict-port", "0")
        said = running.communicate(timeout=90)[1]

    assert running.returncode == 6
    assert f"port {port}" in said
    assert "--port" in said
    assert "Traceback" not in said
    assert processes(root / ".stackcanvas") == []


def test_a_wrong_canvas_starts_nothing(root: Path, up: Callable[..., subprocess.Popen[str]]) -> None:
    """Every error with its line, exit code 3."""
    (root / "canvas.yaml").write_text(f"{CANVAS}data: {{versioning: maybe}}\nzzz: 1\n")
    running = up()
    said = running.communicate(timeout=60)[1]

    assert running.returncode == 3
    assert "canvas.yaml:3:" in said
    assert "canvas.yaml:4:" in said
    assert processes(root / ".stackcanvas") == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "example.org"])  # noqa: S104 - they are refused
def test_only_this_machine_is_listened_to(root: Path, host: str) -> None:
    """Another address is refused until there are tokens."""
    command = [sys.executable, "-m", "stackcanvas.server.control", "--host", host, "--port", "0"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert host in done.stderr


def test_two_workers_of_one_project_are_refused(root: Path, up: Callable[..., subprocess.Popen[str]]) -> None:
    """The second worker on the same folder says who is there."""
    ready(up())
    command = [sys.executable, "-m", "stackcanvas.server.worker"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 5
    assert json.loads((root / ".stackcanvas/run/worker.lock").read_text())["pid"] == found(root, "worker").pid
    assert str(found(root, "worker").pid) in done.stderr
