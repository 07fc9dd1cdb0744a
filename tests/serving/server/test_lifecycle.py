"""The process: start, drain, kill, restart, and what the log holds afterwards."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import polars as pl

from stackcanvas.testing.serving import PredictionProcess, ServedFolder

Start = Callable[..., PredictionProcess]
GOOD: dict[str, Any] = {"wind": 0.0, "month": 0, "carrier": "AA", "night": False}
BODY = json.dumps({"records": [GOOD, GOOD]}).encode()


class Clients:
    """Clients that ask until the server is gone, and remember the ids they were given and when."""

    def __init__(self, port: int, count: int = 3) -> None:
        self.answered: list[tuple[float, str]] = []
        self.refused: list[int] = []
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            while not self._stop.is_set():
                connection.request("POST", "/v1/predict/delay", BODY)
                answer = connection.getresponse()
                found = json.loads(answer.read())
                if answer.status != 200:
                    self.refused.append(answer.status)
                    return
                now_s = time.monotonic()
                self.answered += [(now_s, one["prediction_id"]) for one in found["predictions"]]
        except (OSError, HTTPException):
            return
        finally:
            connection.close()

    def join(self, *, stop: bool = False) -> None:
        """Wait until all are done."""
        if stop:
            self._stop.set()
        for thread in self._threads:
            thread.join()


def serve(folder: ServedFolder, start: Start) -> PredictionProcess:
    """A server with one endpoint."""
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    return start(folder)


def test_a_stopped_server_has_answered_and_logged_everything(folder: ServedFolder, start: Start) -> None:
    """SIGTERM drains: no request is cut off, every answered row is in a sealed segment, the exit code is 0."""
    server = serve(folder, start)
    clients = Clients(server.port)
    server.wait(lambda: len(clients.answered) > 300)
    code = server.stop()
    clients.join()

    assert code == 0
    assert clients.refused == []
    assert {one for _, one in clients.answered} <= set(folder.logged()["prediction_id"])
    segments = list((folder.root / "predictions" / "segments").iterdir())
    assert all(one.name.endswith(".sealed.arrow") for one in segments)
    assert not (folder.root / "run" / "predict.json").exists()


def test_a_killed_server_loses_at_most_a_flush(folder: ServedFolder, start: Start) -> None:
    """After kill -9 all rows are logged but those of the last moment; the next start overwrites nothing."""
    logged: set[str] = set()
    for _ in range(3):
        server = serve(folder, start)
        clients = Clients(server.port)
        server.wait(lambda clients=clients: len(clients.answered) > 1500)  # type: ignore[misc]
        killed_s = time.monotonic()
        server.kill()
        clients.join()
        found = folder.logged()["prediction_id"].to_list()
        lost = [at_s for at_s, one in clients.answered if one not in set(found)]

        assert len(found) == len(set(found))
        assert logged <= set(found)
        # A flush is due every 100 ms; a busy machine may write it a little later.
        assert all(killed_s - at_s < 0.4 for at_s in lost)
        logged = set(found)


def test_a_restarted_server_serves_with_everything_else_gone(folder: ServedFolder, start: Start) -> None:
    """The folder is all it needs: no database, no objects, and not the address file of the killed one."""
    server = serve(folder, start)
    server.kill()

    again = start(folder)
    assert again.post("/v1/predict/delay", {"records": [GOOD]})[0] == 200
    assert again.port != 0


def test_every_answered_row_is_accounted_for(folder: ServedFolder, start: Start) -> None:
    """Answered = logged + sampled out + dropped, as the metrics and the log itself say."""
    folder.route(
        delay=folder.to(("v1", folder.delay(), 1.0), log={"sample": 0.5, "drop": ["night"], "hash": ["carrier"]})
    )
    server = start(folder)
    clients = Clients(server.port)
    server.wait(lambda: len(clients.answered) > 1000)
    clients.join(stop=True)

    def counted() -> float:
        names = ("log_rows_total", "log_sampled_out_rows_total", "log_dropped_rows_total")
        return sum(server.metric(f"stackcanvas_predict_{name}") for name in names)

    answered = len(clients.answered)
    server.wait(lambda: counted() == answered)
    assert server.metric("stackcanvas_predict_rows_total") == answered
    logged = folder.logged()
    assert logged.height == server.metric("stackcanvas_predict_log_rows_total")
    assert 0.4 < logged.height / answered < 0.6
    features = logged["features"].struct.unnest()
    assert set(features.columns) == {"wind", "month", "carrier"}
    assert features["carrier"].dtype == pl.String
    assert features["carrier"].unique().len() == 1
    assert features["carrier"][0] != "AA"


def test_a_full_disk_costs_rows_of_the_log_and_no_answer(folder: ServedFolder, start: Start) -> None:
    """When segments cannot be written, rows are dropped and counted, and predictions go on."""
    server = serve(folder, start)
    segments = folder.root / "predictions" / "segments"
    segments.rmdir()
    segments.write_text("in the way")

    for _ in range(5):
        assert server.post("/v1/predict/delay", {"records": [GOOD]})[0] == 200
    server.wait(lambda: server.metric("stackcanvas_predict_log_dropped_rows_total") == 5)
    assert server.metric("stackcanvas_predict_log_write_errors_total") >= 1
    segments.unlink()
    segments.mkdir()
    server.post("/v1/predict/delay", {"records": [GOOD]})
    assert server.wait_logged(1).height == 1


def test_a_taken_port_is_one_sentence(folder: ServedFolder) -> None:
    """The port is never silently another one."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "stackcanvas.server.predict",
            "--folder",
            str(folder.root),
            "--port",
            str(port),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 6
    assert ended.stdout == ""
    assert f"port {port}" in ended.stderr
    assert "--port" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_missing_folder_is_one_sentence(folder: ServedFolder) -> None:
    """A misspelt folder is said, not made."""
    command = [sys.executable, "-m", "stackcanvas.server.predict", "--folder", f"{folder.root}x", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 4
    assert ended.stderr.startswith("There is no folder")


def test_the_server_loads_nothing_of_the_rest_of_the_house(folder: ServedFolder, start: Start) -> None:
    """What it does not import cannot take it down or slow its start."""
    heavy = ["sqlalchemy", "polars", "sklearn", "pandas", "fastapi", "scipy", "onnx", "alembic"]
    ours = ["metadata", "registry", "features", "data", "canvas", "serving.serving", "stack.stack"]
    code = (
        "import sys, stackcanvas.server.predict\n"
        f"print([one for one in {heavy!r} if one in sys.modules],"
        f" [one for one in {ours!r} if 'stackcanvas.' + one in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert found.stdout == "[] []\n"

    server = serve(folder, start)
    assert server.post("/v1/predict/delay", {"records": [GOOD]})[0] == 200
    server.wait_logged(1)
    assert "pandas" not in Path(f"/proc/{server.process.pid}/maps").read_text()


def test_interrupt_stops_it_too(folder: ServedFolder, start: Start) -> None:
    """Ctrl-C is a clean stop."""
    server = serve(folder, start)
    server.process.send_signal(signal.SIGINT)

    assert server.process.wait(10) == 0
    assert "Traceback" not in server.said()
