"""Tracking over MLflow's API: bare requests, and MLflow's own client beside the floor that a stub leaves it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import stackcanvas as sc
from benchmarks.harness import HERE, Peer, Row, run
from benchmarks.tracking_work import HISTORY, MANY, POINTS, RUNS
from stackcanvas.experiments.tables import run as run_table
from stackcanvas.experiments.tables import run_metric, run_metric_latest, run_parameter, run_tag
from stackcanvas.stack import Stack

_MLFLOW = "mlflow==3.17.2"
_START = datetime(2026, 6, 1, tzinfo=UTC)
# work, words, unit, aim of the raw requests, aim of the client as a share of its floor
_WORK = (
    ("log_metric", "log_metric", "/s", 3_000, 0.7),
    ("log_metric_p99", "log_metric, 99th percentile", "ms", 2, None),
    ("log_batch", "log_batch of 1000", "metrics/s", 120_000, 0.7),
    ("create_run", "a run with 10 parameters, 20 metrics, 5 tags", "runs/s", 800, 0.7),
    ("search_100", "search_runs, metric filter and order, 100 of 10,000", "ms", 20, 0.7),
    ("search_1000", "search_runs, 1000 with all their data", "ms", 120, 0.7),
    ("all_runs", "all 10,000 runs, paged", "ms", 1_200, 0.7),
    ("history", "history of a metric, 100,000 points", "ms", 200, 0.7),
)


def _fill(stack: Stack) -> None:
    """What the work of reading finds, straight into the tables."""
    many, history = stack.experiments.catalog.create(MANY), stack.experiments.catalog.create(HISTORY)
    database = stack.spine.database
    ids = [stack.spine.ids.new() for _ in range(RUNS)]
    long = stack.spine.ids.new()
    facts = {"status": "finished", "lifecycle": "active", "actor": "bench", "dirty": False}
    runs = [(one, many, at) for at, one in enumerate(ids)] + [(long, history, 0)]
    with stack.spine.write() as tx:
        database.bulk(
            tx,
            run_table,
            [
                {
                    "id": one,
                    "experiment": number,
                    "name": one,
                    "artifact_location": f"runs/{one}/artifacts",
                    "started": _START + timedelta(seconds=at),
                    **facts,
                }
                for one, number, at in runs
            ],
        )
        pairs = [{"run": one, "key": f"p{key}", "value": str(key)} for one in ids for key in range(10)]
        database.bulk(tx, run_parameter, pairs)
        tags = [{"run": one, "key": f"t{key}", "value": str(key)} for one in ids for key in range(5)]
        database.bulk(tx, run_tag, tags)
        latest = [
            {"run": one, "key": f"m{key}", "experiment": many, "step": 0, "time": _START, "value": value}
            for at, one in enumerate(ids)
            for key in range(20)
            for value in [float(at * 7919 % 10_007 + key)]
        ]
        database.bulk(tx, run_metric_latest, latest)
        points = [
            {"run": long, "key": "loss", "step": step, "time": _START + timedelta(seconds=step), "value": 0.5 + step}
            for step in range(POINTS)
        ]
        database.bulk(tx, run_metric, points)


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _started(stack: ExitStack, command: Sequence[str], port: int) -> str:
    server = subprocess.Popen(command, start_new_session=True)

    def end() -> None:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)

    stack.callback(end)
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
        except urllib.error.HTTPError:
            pass
        except OSError:
            time.sleep(0.01)
            continue
        return f"http://127.0.0.1:{port}"


def _control(project: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "stackcanvas.server.control", "--project", str(project), "--port", str(port)]


def _start_s(project: Path) -> float:
    port = _free()
    begun = time.perf_counter()
    with ExitStack() as stack:
        _started(stack, _control(project, port), port)
        return time.perf_counter() - begun


def _measured(url: str, how: str, work: str) -> float:
    command = [sys.executable, str(HERE / "tracking_work.py"), url, how, work]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return float(json.loads(done.stdout.splitlines()[-1])["value"])


def _peer(how: str, work: str) -> Peer:
    return Peer("mlflow", (_MLFLOW,), "peer_mlflow.py", ("1", how, work))


def rows(stack: ExitStack) -> Sequence[Row]:
    """A row for the bare requests and one for the client, for each piece of work."""
    project = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (project / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: bench}\n")
    with sc.open(project) as opened:
        _fill(opened)
    port, stub_port = _free(), _free()
    url = _started(stack, _control(project, port), port)
    stub = _started(stack, [sys.executable, str(HERE / "stub_tracking.py"), url, str(stub_port)], stub_port)
    found = [
        Row("server start to first answer", "s", us=lambda: _start_s(project), peer=_peer("raw", "start"), aim=1.5)
    ]
    for work, words, unit, aim, share in _WORK:
        found.append(
            Row(
                f"{words}, raw",
                unit,
                us=lambda work=work: _measured(url, "raw", work),  # type: ignore[misc]
                peer=_peer("raw", work),
                aim=aim,
            )
        )
        if share is not None:
            found.append(
                Row(
                    f"{words}, client",
                    unit,
                    us=lambda work=work: _measured(url, "client", work),  # type: ignore[misc]
                    floor=lambda work=work: _measured(stub, "client", work),  # type: ignore[misc]
                    peer=_peer("client", work),
                    aim_of_floor=share,
                )
            )
    return found


if __name__ == "__main__":
    run("tracking", rows, packages=("mlflow-skinny", "uvicorn", "sqlalchemy"))
