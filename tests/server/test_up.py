"""`stackcanvas up` as a person runs it: real processes on real ports, killed without warning."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from stackcanvas.server.up import plans
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.running import NAMES, Process, is_alive, process, processes
from stackcanvas.testing.certificates import self_signed

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


@pytest.mark.parametrize("host", ["192.168.1.7", "example.org"])
def test_only_this_machine_is_listened_to(root: Path, host: str) -> None:
    """Another address is refused without TLS, and a name is no address."""
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


def test_other_machines_need_tls_and_a_token(
    root: Path, up: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Without either it does not start; with both, nobody gets in without a token, and predictions stay here."""
    pem, secret = self_signed(tmp_path)
    everywhere = ("--host", "0.0.0.0", "--port", "0", "--predict-port", "0")  # noqa: S104 - the point of the test
    tls = ("--tls-certificate", str(pem), "--tls-key", str(secret))
    plain = up(*everywhere)
    assert "--tls-certificate" in plain.communicate(timeout=90)[1]
    nobody = up(*everywhere, *tls)
    assert "stackcanvas tokens add NAME --role admin" in nobody.communicate(timeout=90)[1]
    assert plain.returncode == nobody.returncode == 1
    with open_stack(root) as stack:
        text = stack.tokens.add("ada", role="admin")

    address = ready(up(*everywhere, *tls))

    assert address.startswith("https://")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask(token: str | None) -> int:
        request = urllib.request.Request(f"{address}api/v1/canvas")  # noqa: S310 - an address of this machine
        if token is not None:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310 - see above
                return int(answer.status)
        except HTTPError as refused:
            refused.close()
            return refused.code

    assert (ask(text), ask(None), ask("sc_guess")) == (200, 401, 401)
    assert found(root, "predict").host == "127.0.0.1"


def test_the_prediction_server_listens_where_it_is_told(root: Path) -> None:
    """On this machine unless another address is named, and there it asks as control does."""
    door = ["--tls-by-proxy"]

    def words(**options: str) -> list[str]:
        made = plans(root, root, host="0.0.0.0", control_port=0, predict_port=0, door=door, **options)  # noqa: S104
        return [*map(str, made[2].command(None))]

    assert words()[-4:] == ["--host", "127.0.0.1", "--port", "0"]
    assert words(predict_host="10.0.0.7")[-5:] == ["--host", "10.0.0.7", "--port", "0", "--tls-by-proxy"]
