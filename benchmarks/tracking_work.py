"""The pieces of work of `bench_tracking`, against any server that speaks MLflow's API.

    python tracking_work.py URL raw|client WORK

*raw* sends the same bytes to each server over one connection that stays open; *client* is MLflow's own. What is
searched is there already: an experiment `many` with 10,000 runs, and a run in `history` with 100,000 points. Prints
`{"value": NUMBER}`, a rate for what is written and milliseconds for what is read.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

RUNS = int(os.environ.get("BENCH_RUNS", "10000"))
POINTS = int(os.environ.get("BENCH_POINTS", "100000"))
MANY, HISTORY = "many", "history"
_NOW_MS = 1_780_000_000_000
_METRICS: list[dict[str, Any]] = [
    {"key": f"m{key}", "value": 0.5 + key, "timestamp": _NOW_MS, "step": 0} for key in range(20)
]
_PARAMETERS = [{"key": f"p{key}", "value": str(key)} for key in range(10)]
_TAGS = [{"key": f"t{key}", "value": str(key)} for key in range(5)]
_SEARCH = {"filter": "metrics.m3 > 5000", "order_by": ["metrics.m7 DESC"]}


class Raw:
    """One connection that stays open."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=300)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and read its answer."""
        return json.loads(self.send(method, path, None if body is None else json.dumps(body).encode()) or b"{}")

    def send(self, method: str, path: str, body: bytes | None) -> bytes:
        """Send bytes and give the bytes that come back."""
        headers = {"content-type": "application/json"} if body is not None else {}
        self._connection.request(method, f"/api/2.0/mlflow/{path}", body, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {said[:500]!r}")
        return said

    def experiment(self, name: str) -> str:
        """The id of an experiment that is there."""
        return str(self.ask("GET", f"experiments/get-by-name?experiment_name={name}")["experiment"]["experiment_id"])

    def run(self, experiment: str = "0") -> str:
        """A new run."""
        asked = {"experiment_id": experiment, "start_time": _NOW_MS, "user_id": "bench", "run_name": "r"}
        return str(self.ask("POST", "runs/create", asked)["run"]["info"]["run_id"])


def _rate(times: int, work: Callable[[int], object], *, each: int = 1) -> float:
    for at in range(max(1, times // 20)):
        work(-1 - at)
    start = time.perf_counter()
    for at in range(times):
        work(at)
    return times * each / (time.perf_counter() - start)


def _ms(times: int, work: Callable[[], object]) -> float:
    work()
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) * 1000 / times


def _batch(at: int) -> list[dict[str, Any]]:
    return [
        {"key": f"b{key % 10}", "value": at + key / 7, "timestamp": _NOW_MS + key, "step": at * 1000 + key}
        for key in range(1000)
    ]


def raw(url: str, work: str) -> float:
    """The figure of one piece of work over the bare connection."""
    server = Raw(url)
    if work == "log_metric":
        run = server.run()

        def log(at: int) -> None:
            body = {"run_id": run, "key": "loss", "value": at / 3, "timestamp": _NOW_MS + at, "step": at + 1000}
            server.send("POST", "runs/log-metric", json.dumps(body).encode())

        return _rate(2000, log)
    if work == "log_metric_p99":
        return _p99(server)
    if work == "log_batch":
        run = server.run()
        bodies = [json.dumps({"run_id": run, "metrics": _batch(at)}).encode() for at in range(40)]
        return _rate(40, lambda at: server.send("POST", "runs/log-batch", bodies[at]), each=1000)
    if work == "create_run":

        def create(_at: int) -> None:
            run = server.run()
            body = {"run_id": run, "metrics": _METRICS, "params": _PARAMETERS, "tags": _TAGS}
            server.send("POST", "runs/log-batch", json.dumps(body).encode())

        return _rate(300, create)
    return _raw_reading(server, work)


def _p99(server: Raw) -> float:
    run, took = server.run(), []
    for at in range(3000):
        body = {"run_id": run, "key": "loss", "value": at / 3, "timestamp": _NOW_MS + at, "step": at}
        start = time.perf_counter()
        server.send("POST", "runs/log-metric", json.dumps(body).encode())
        took.append(time.perf_counter() - start)
    return sorted(took)[int(len(took) * 0.99)] * 1000


def _raw_reading(server: Raw, work: str) -> float:
    many = server.experiment(MANY)
    if work == "search_100":
        body = json.dumps({"experiment_ids": [many], "max_results": 100, **_SEARCH}).encode()
        return _ms(10, lambda: server.send("POST", "runs/search", body))
    if work == "search_1000":
        body = json.dumps({"experiment_ids": [many], "max_results": 1000, "order_by": ["metrics.m7 DESC"]}).encode()
        return _ms(3, lambda: server.send("POST", "runs/search", body))
    if work == "all_runs":

        def read() -> None:
            token, found = "", 0
            while True:
                asked = {"experiment_ids": [many], "max_results": 1000, "page_token": token}
                page = json.loads(server.send("POST", "runs/search", json.dumps(asked).encode()))
                found += len(page["runs"])
                token = page.get("next_page_token", "")
                if not token:
                    assert found == RUNS, found
                    return

        return _ms(1, read)
    run = server.ask("POST", "runs/search", {"experiment_ids": [server.experiment(HISTORY)]})["runs"][0]
    path = f"metrics/get-history?run_id={run['info']['run_id']}&metric_key=loss"
    return _ms(3, lambda: server.send("GET", path, None))


def client(url: str, work: str) -> float:
    """The figure of one piece of work through MLflow's own client."""
    from mlflow import MlflowClient, entities

    tracking: Any = MlflowClient(url)
    make: Any = entities
    if work == "log_metric":
        run = tracking.create_run("0").info.run_id
        return _rate(500, lambda at: tracking.log_metric(run, "loss", at / 3, _NOW_MS + at, at + 100))
    if work == "log_batch":
        run = tracking.create_run("0").info.run_id
        batches = [[make.Metric(**one) for one in _batch(at)] for at in range(20)]
        return _rate(20, lambda at: tracking.log_batch(run, metrics=batches[at]), each=1000)
    if work == "create_run":
        metrics = [make.Metric(**one) for one in _METRICS]
        parameters, tags = [make.Param(**one) for one in _PARAMETERS], [make.RunTag(**one) for one in _TAGS]

        def create(_at: int) -> None:
            run = tracking.create_run("0").info.run_id
            tracking.log_batch(run, metrics=metrics, params=parameters, tags=tags)

        return _rate(100, create)
    return _client_reading(tracking, work)


def _client_reading(tracking: Any, work: str) -> float:
    if work == "history":
        history = tracking.get_experiment_by_name(HISTORY).experiment_id
        run = tracking.search_runs([history])[0].info.run_id
        return _ms(2, lambda: tracking.get_metric_history(run, "loss"))
    many = tracking.get_experiment_by_name(MANY).experiment_id
    if work == "search_100":
        return _ms(5, lambda: tracking.search_runs([many], _SEARCH["filter"], 1, 100, _SEARCH["order_by"]))
    if work == "search_1000":
        return _ms(2, lambda: tracking.search_runs([many], "", 1, 1000, ["metrics.m7 DESC"]))

    def read() -> None:
        token, found = None, 0
        while True:
            page = tracking.search_runs([many], max_results=1000, page_token=token)
            found += len(page)
            token = page.token
            if not token:
                assert found == RUNS, found
                return

    return _ms(1, read)


if __name__ == "__main__":
    _, address, how, what = sys.argv
    print(json.dumps({"value": (raw if how == "raw" else client)(address, what)}))
