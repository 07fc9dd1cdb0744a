"""A disk that has no room left while the processes of a stack run, and has some again."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from stackcanvas.stack import open as open_stack
from stackcanvas.stack.running import process

# Beyond this size no file of these processes can be written, as on a full disk; what they say is shorter.
_ROOM_BYTES = 16_384


def until(condition: Callable[[], bool], *, patience_s: float = 90.0) -> None:
    """Wait for what other processes do; there is no clock to pass to them."""
    last = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.05)


def create(root: Path) -> tuple[int, str]:
    """Begin a run over REST; status, and what is said."""
    found = process(root / ".stackcanvas", "control")
    assert found is not None
    asked = urllib.request.Request(  # noqa: S310 - of this machine
        f"{found.url}/api/2.0/mlflow/runs/create",
        data=b'{"experiment_id": "0"}',
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - see above
            return answer.status, str(json.loads(answer.read())["run"]["info"]["run_id"])
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(json.loads(error.read())["message"])


def ready(root: Path) -> int:
    """The status of the page that says whether control can do its work."""
    found = process(root / ".stackcanvas", "control")
    assert found is not None
    try:
        with urllib.request.urlopen(f"{found.url}/health/ready", timeout=60) as answer:  # noqa: S310 - of this machine
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_control_and_worker_go_on_when_there_is_room_again(tmp_path: Path) -> None:
    """Each change is refused in a sentence, what is there can be read, nothing is half done, and nobody ends."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    with open_stack(tmp_path) as stack:
        running: dict[str, subprocess.Popen[bytes]] = {}
        for name, words in (("control", ["--port", "0"]), ("worker", [])):
            with (tmp_path / f"{name}.log").open("wb") as log:
                command = [sys.executable, "-m", f"stackcanvas.server.{name}", "--project", str(tmp_path), *words]
                running[name] = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            for name in running:
                until(lambda name=name: process(stack.folder, name) is not None)  # type: ignore[misc]
            until(lambda: len(stack.spine.heartbeats.ls()) == 2)
            done = [create(tmp_path)]

            for one in running.values():
                resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (_ROOM_BYTES, resource.RLIM_INFINITY))
            for _ in range(3):
                status, said = create(tmp_path)
                assert (status, "metadata.db" in said) == (503, True), said
            until(lambda: all("failed: " in (tmp_path / f"{name}.log").read_text() for name in running))
            assert len(stack.experiments.search()) == 1
            until(lambda: ready(tmp_path) == 503)

            for one in running.values():
                resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            done.append(create(tmp_path))
            assert [status for status, _ in done] == [200, 200]
            until(lambda: all("works again" in (tmp_path / f"{name}.log").read_text() for name in running))
            until(lambda: ready(tmp_path) == 200)
            assert {run.id for run in stack.experiments.search()} == {run_id for _, run_id in done}
            assert all(one.poll() is None for one in running.values())
            assert stack.spine.audit.verify() == []
        finally:
            for one in running.values():
                one.terminate()
            for one in running.values():
                one.wait(60)
        assert not any("Traceback" in (tmp_path / f"{name}.log").read_text() for name in running)
