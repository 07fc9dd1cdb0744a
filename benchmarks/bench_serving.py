"""Serving: the prediction server with checks, metrics and log on, beside a bare ASGI application on the same model.

Gradient boosting, 30 features. The load generator shares the machine; it talks to 127.0.0.1 only.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier

from benchmarks.harness import HERE, Row, run
from benchmarks.load import Load, post
from benchmarks.load import run as load
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

_FEATURES = 30
_SECONDS_S = 2.0
_INFER = "/v2/models/delay/infer"
_OUTPUTS = [
    {"name": "label", "dtype": "INT64", "shape": [-1]},
    {"name": "probabilities", "dtype": "FP32", "shape": [-1, 2]},
]
_NAMES = [f"f{at}" for at in range(_FEATURES)]


def model(trees: int = 100) -> bytes:
    """A model that takes one matrix."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, _FEATURES)).astype(np.float32)
    late = rows[:, 0] + rows[:, 1] * rows[:, 2] > 0
    fitted = GradientBoostingClassifier(n_estimators=trees).fit(rows, late)
    converted = convert_sklearn(
        fitted,
        initial_types=[("input", FloatTensorType([None, _FEATURES]))],
        options={id(fitted): {"zipmap": False}},
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    content: bytes = converted.SerializeToString()
    return content


class Sides:
    """Our server and the floor, both running; latencies of a measurement are kept for the row that shows them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.content = model()
        self.state = ServedFolder(folder / "state")
        self._route(self.content, 1)
        self.us = PredictionProcess(self.state)
        stack.callback(self.us.kill)
        (folder / "model.onnx").write_bytes(self.content)
        self.floor_port = _free_port()
        command = [sys.executable, "-m", "benchmarks.floor_serving", str(folder / "model.onnx"), str(self.floor_port)]
        self.floor = subprocess.Popen(command, cwd=HERE.parent)
        stack.callback(self.floor.kill)
        _wait(self.floor_port)
        self._tails: dict[tuple[str, str], list[float]] = {}

    def rate(self, side: str, name: str, request: bytes, clients: int) -> float:
        """Requests a second."""
        found = load(self._port(side), request, clients=clients, seconds_s=_SECONDS_S)
        _require_good(found)
        self._tails.setdefault((side, name), []).append(found.percentile_ms(0.99))
        return found.per_second

    def tail(self, side: str, name: str) -> float:
        """The latency that 99 of 100 requests of the last rate stayed under, in ms."""
        return self._tails[side, name].pop(0)

    def gap(self) -> float:
        """The longest time without an answer while three versions follow each other under load, in ms."""
        loads: list[Load] = []
        asking = threading.Thread(
            target=lambda: loads.append(load(self.us.port, _json_request(1), clients=16, seconds_s=3.0))
        )
        asking.start()
        for number in (2, 3, 4):
            time.sleep(0.5)
            self.us.wait_revision(self._route(model(90 + number), number))
        asking.join()
        _require_good(loads[0])
        return loads[0].longest_gap_s * 1000

    def start(self) -> float:
        """From nothing to ready, in seconds."""
        begun_s = time.perf_counter()
        server = PredictionProcess(self.state, wait=False)
        server.wait(lambda: server.announced() and server.get("/v2/health/ready")[0] == 200)
        took_s = time.perf_counter() - begun_s
        server.kill()
        return took_s

    def memory(self) -> float:
        """Resident memory of our server after all of the above, in MB."""
        return float(psutil.Process(self.us.process.pid).memory_info().rss) / 1e6

    def _port(self, side: str) -> int:
        return self.us.port if side == "us" else self.floor_port

    def _route(self, content: bytes, number: int) -> int:
        given = {"name": "input", "dtype": "FP32", "nullable": True, "shape": [-1, _FEATURES], "columns": _NAMES}
        checks = [{"column": name, "rule": "range", "min": -10, "max": 10, "action": "warn"} for name in _NAMES]
        digest = self.state.bundle(content, [given], _OUTPUTS, checks=checks)
        return self.state.route(delay=self.state.to((f"v{number}", digest, 1.0)))


def _json_request(count: int) -> bytes:
    values = np.random.default_rng(1).normal(size=count * _FEATURES).round(3).tolist()
    tensor = {"name": "input", "shape": [count, _FEATURES], "datatype": "FP32", "data": values}
    return post(_INFER, json.dumps({"inputs": [tensor]}).encode())


def _binary_request(count: int) -> bytes:
    values = np.random.default_rng(1).normal(size=(count, _FEATURES)).astype(np.float32).tobytes()
    size = {"binary_data_size": len(values)}
    tensor = {"name": "input", "shape": [count, _FEATURES], "datatype": "FP32", "parameters": size}
    text = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return post(_INFER, text + values, {"Inference-Header-Content-Length": str(len(text))})


def _records_request() -> bytes:
    values = np.random.default_rng(1).normal(size=_FEATURES).round(3).tolist()
    record = dict(zip(_NAMES, values, strict=True))
    return post("/v1/predict/delay", json.dumps({"records": [record]}).encode())


def _require_good(found: Load) -> None:
    if set(found.statuses) != {200} or found.broken:
        raise SystemExit(f"requests failed: {dict(found.statuses)}, {found.broken} broken")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(500):
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=1)
            connection.connect()
            connection.close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("the floor does not start")


def rows(stack: ExitStack) -> Sequence[Row]:
    """The rows of this family."""
    sides = Sides(Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
    made: list[Row] = []

    def add(work: str, request: bytes, aims: Mapping[int, tuple[float | None, float | None]], *, floor: bool) -> None:
        for clients, (aim, tail_aim) in aims.items():
            name = f"{work}, {clients} client{'s' if clients > 1 else ''}"
            bare: Callable[..., Any] | None = partial(sides.rate, "floor", name, request, clients) if floor else None
            tail = partial(sides.tail, "floor", name) if floor else None
            made.append(
                Row(name, "requests/s", us=partial(sides.rate, "us", name, request, clients), floor=bare, aim=aim)
            )
            made.append(Row(f"{name}, p99", "ms", us=partial(sides.tail, "us", name), floor=tail, aim=tail_aim))

    add("ONNX, 1 row, JSON", _json_request(1), {1: (5500, 0.6), 16: (15_000, 3), 64: (18_000, 8)}, floor=True)
    add("ONNX, 1 record", _records_request(), {1: (None, None), 16: (None, None), 64: (None, None)}, floor=False)
    binary = {1: (2600.0, None), 16: (4500.0, None), 64: (4300.0, None)}
    add("ONNX, 100 rows, binary tensors", _binary_request(100), binary, floor=True)
    return [
        *made,
        Row("memory after all of that", "MB", us=sides.memory, aim=110),
        Row("version switch under load: longest gap, 0 failed", "ms", us=sides.gap, aim=25),
        Row("ready after start", "s", us=sides.start, aim=1),
    ]


if __name__ == "__main__":
    run("serving", rows, packages=("onnxruntime", "uvicorn", "uvloop", "msgspec", "numpy"))
