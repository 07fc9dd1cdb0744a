"""Models that run in a process of their own, behind a real prediction server."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from stackcanvas.errors import Unavailable
from stackcanvas.serving.server.bundle import load_bundle
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

Start = Callable[..., PredictionProcess]


@pytest.fixture
def asked(folder: ServedFolder, tmp_path: Path) -> Path:
    """An endpoint whose function waits for a file at 1, ends its process at 7, and doubles all else."""
    place = tmp_path / "signals"
    place.mkdir()
    source = f"""import os, pathlib, time
place = pathlib.Path({str(place)!r})
def predict(frame):
    first = frame["x"][0]
    if first == 1:
        (place / "asked.new").write_text(str(os.getpid()))
        (place / "asked.new").rename(place / "asked")
        while not (place / "go").exists():
            time.sleep(0.01)
    if first == 7:
        os._exit(3)
    return frame["x"].to_numpy() * 2
""".encode()
    digest = folder.bundle(
        b"",
        [{"name": "x", "dtype": "FP64"}],
        [{"name": "prediction", "dtype": "FP64"}],
        format="python",
        files={"code/waiting.py": blake3(source).hexdigest()},
        runtime={"module": "waiting", "function": "predict"},
    )
    code = folder.root / "serving" / "bundles" / digest / "code"
    code.mkdir()
    (code / "waiting.py").write_bytes(source)
    folder.route(delay=folder.to(("v1", digest, 1.0)))
    return place


def ask(server: PredictionProcess, value: float) -> tuple[int, Any]:
    """One request of one row."""
    return server.post("/v1/predict/delay", {"records": [{"x": value}]})


def test_a_model_that_hangs_keeps_nobody_else_waiting(folder: ServedFolder, start: Start, asked: Path) -> None:
    """The server answers others while one answer does not come."""
    server = start(folder)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, server, 1.0)
        server.wait((asked / "asked").exists)

        assert server.get("/v2/health/live")[0] == 200
        assert not waiting.done()
        (asked / "go").touch()
        status, answer = waiting.result(30)

    assert status == 200
    assert answer["predictions"][0]["output"] == {"prediction": 2.0}


def test_a_model_that_crashes_takes_only_its_own_request_along(folder: ServedFolder, start: Start, asked: Path) -> None:
    """The client is told, the server stays up, and the next row is answered by a new process."""
    server = start(folder)

    status, answer = ask(server, 7.0)

    assert status >= 500
    assert "ended with code 3" in answer["error"]
    assert ask(server, 4.0)[1]["predictions"][0]["output"] == {"prediction": 8.0}
    assert server.get("/v2/health/live")[0] == 200


def test_a_model_that_hangs_ends_with_its_server(folder: ServedFolder, start: Start, asked: Path) -> None:
    """Also when the server is killed, and its process reads nothing any more."""
    server = start(folder)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, server, 1.0)
        server.wait((asked / "asked").exists)
        pid = int((asked / "asked").read_text())
        server.kill()
        waiting.exception(30)

    end = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_a_package_that_is_missing_is_named(folder: ServedFolder) -> None:
    """A model that needs what is not installed here is no damage of its bytes."""
    source = b"import no_such_package\n"
    one = [{"name": "x", "dtype": "FP64"}]
    files = {"code/needy.py": blake3(source).hexdigest()}
    runtime = {"module": "needy", "function": "predict"}
    place = (
        folder.root
        / "serving"
        / "bundles"
        / folder.bundle(b"", one, one, format="python", files=files, runtime=runtime)
    )
    (place / "code").mkdir()
    (place / "code" / "needy.py").write_bytes(source)

    with pytest.raises(Unavailable, match="No module named 'no_such_package'"):
        load_bundle(place)
