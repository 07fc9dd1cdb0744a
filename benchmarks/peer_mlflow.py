"""MLflow's own server over the work of `tracking_work`: filled, started, measured, stopped.

python peer_mlflow.py WORKERS HOW WORK
"""

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
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert
from tracking_work import HISTORY, MANY, POINTS, RUNS  # type: ignore[import-not-found,unused-ignore]

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
_NOW_MS = 1_780_000_000_000
_READS = {"search_100", "search_1000", "all_runs", "history"}


def fill(url: str) -> None:
    """Ten thousand runs with their metrics, parameters and tags, and one long history, straight into the tables."""
    from mlflow.store.tracking import sqlalchemy_store
    from mlflow.store.tracking.dbmodels import models

    theirs: Any = sqlalchemy_store
    store = theirs.SqlAlchemyStore(url, "mlflow-artifacts:/")
    many, history = int(store.create_experiment(MANY)), int(store.create_experiment(HISTORY))
    ids = [uuid.uuid4().hex for _ in range(RUNS)]
    long = uuid.uuid4().hex
    runs = [_run(one, many, at) for at, one in enumerate(ids)] + [_run(long, history, 0)]
    with create_engine(url).begin() as tx:
        tx.execute(insert(models.SqlRun.__table__), runs)
        pairs = [{"run_uuid": one, "key": f"p{key}", "value": str(key)} for one in ids for key in range(10)]
        tx.execute(insert(models.SqlParam.__table__), pairs)
        tags = [{"run_uuid": one, "key": f"t{key}", "value": str(key)} for one in ids for key in range(5)]
        tx.execute(insert(models.SqlTag.__table__), tags)
        for at, one in enumerate(ids):
            values = [_metric(one, f"m{key}", float(at * 7919 % 10_007 + key), 0) for key in range(20)]
            tx.execute(insert(models.SqlLatestMetric.__table__), values)
        points = [_metric(long, "loss", 0.5 + step, step) for step in range(POINTS)]
        tx.execute(insert(models.SqlMetric.__table__), points)


def _run(run_id: str, experiment: int, at: int) -> dict[str, object]:
    return {
        "run_uuid": run_id,
        "name": run_id,
        "source_type": "LOCAL",
        "source_name": "",
        "entry_point_name": "",
        "user_id": "bench",
        "status": "FINISHED",
        "start_time": _NOW_MS + at,
        "end_time": _NOW_MS + at,
        "source_version": "",
        "lifecycle_stage": "active",
        "artifact_uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
        "experiment_id": experiment,
    }


def _metric(run_id: str, key: str, value: float, step: int) -> dict[str, object]:
    return {"run_uuid": run_id, "key": key, "value": value, "timestamp": _NOW_MS + step, "step": step, "is_nan": False}


def main(workers: str, how: str, work: str) -> None:
    """Measure one piece of work."""
    folder = Path(os.environ.get("BENCH_FOLDER", tempfile.gettempdir())) / "bench-peer-mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / f"tracking-{RUNS}-{POINTS}.db"
    url = f"sqlite:///{database}"
    if not database.exists():
        draft = folder / "draft.db"
        draft.unlink(missing_ok=True)
        fill(f"sqlite:///{draft}")
        draft.rename(database)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", url, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--artifacts-destination", str(folder / "files"), "--workers", workers]
    begun = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except OSError:
                time.sleep(0.02)
        if work == "start":
            print(json.dumps({"value": time.perf_counter() - begun}))
            return
        script = Path(__file__).with_name("tracking_work.py")
        subprocess.run([sys.executable, str(script), f"http://127.0.0.1:{port}", how, work], check=True)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


if __name__ == "__main__":
    main(*sys.argv[1:])
