"""The prediction server from outside: a folder to serve, and the server as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import polars as pl
from blake3 import blake3

from stackcanvas.serving.server.segments import read_batches
from stackcanvas.testing.onnx_models import DELAY_INPUTS, DELAY_OUTPUTS, delay_model, log_model, matrix_model

_PATIENCE_S = 20.0


class ServedFolder:
    """A project's `.stackcanvas`, as far as the server is concerned."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "serving" / "bundles").mkdir(parents=True)
        self.revision = 0

    def bundle(
        self, content: bytes, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]], **more: Any
    ) -> str:
        """Write a bundle and give its digest."""
        files = {"model.onnx": blake3(content).hexdigest()}
        signature = {"inputs": list(inputs), "outputs": list(outputs)}
        described = {"model": "model:delay@1", "format": "onnx", "signature": signature, "files": files, **more}
        text = json.dumps(described, sort_keys=True).encode()
        digest = blake3(text).hexdigest()
        folder = self.root / "serving" / "bundles" / digest
        folder.mkdir(exist_ok=True)
        (folder / "bundle.json").write_bytes(text)
        (folder / "model.onnx").write_bytes(content)
        return digest

    def delay(self, shift: float = 0.0, **more: Any) -> str:
        """A bundle of the delay model."""
        return self.bundle(delay_model(shift), DELAY_INPUTS, DELAY_OUTPUTS, **more)

    def matrix(self, width: int = 3, **more: Any) -> str:
        """A bundle of the matrix model, whose columns are named a, b, c, ..."""
        columns = [chr(ord("a") + at) for at in range(width)]
        given = {"name": "input", "dtype": "FP32", "shape": [-1, width], "columns": columns}
        return self.bundle(matrix_model(width), [given], [{"name": "total", "dtype": "FP32"}], **more)

    def log(self, **more: Any) -> str:
        """A bundle of the log model."""
        return self.bundle(log_model(), [{"name": "x", "dtype": "FP32"}], [{"name": "answer", "dtype": "FP32"}], **more)

    def route(self, **endpoints: Mapping[str, Any]) -> int:
        """Publish these endpoints, and only these, as the next revision."""
        self.revision += 1
        fresh = self.root / "serving" / "routes.new"
        fresh.write_text(json.dumps({"revision": self.revision, "endpoints": endpoints}))
        fresh.replace(self.root / "serving" / "routes.json")
        return self.revision

    @staticmethod
    def to(*variants: tuple[str, str, float], **more: Any) -> dict[str, Any]:
        """An endpoint's route from (variant, bundle, weight); the variant `v3` serves `model:delay@3`."""
        rows = [
            {"name": name, "bundle": digest, "model": f"model:delay@{name.lstrip('v')}", "weight": weight}
            for name, digest, weight in variants
        ]
        return {"variants": rows, **more}

    def logged(self) -> pl.DataFrame:
        """Every row of the prediction log."""
        frames = list(self._batches())
        return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()

    def row(self, prediction_id: str) -> dict[str, Any] | None:
        """The logged row of that id; None while it is not in the log."""
        for frame in self._batches():
            found = frame.filter(pl.col("prediction_id") == prediction_id)
            if found.height:
                return found.row(0, named=True)
        return None

    def _batches(self) -> Iterator[pl.DataFrame]:
        for path in sorted((self.root / "predictions" / "segments").glob("*.arrow")):
            yield from (pl.DataFrame(pl.from_arrow(batch)) for batch in read_batches(path))


class PredictionProcess:
    """The server as a process of its own."""

    def __init__(self, folder: ServedFolder, *options: str, wait: bool = True) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "stackcanvas.server.predict", "--folder", str(folder.root), "--port", "0"]
        self._talk = folder.root / "predict.txt"
        with self._talk.open("w") as talk:
            self.process = subprocess.Popen([*command, *options], stderr=talk)
        self.port = 0
        if wait:
            self.wait(lambda: self.announced() and self.get("/v2/health/live")[0] == 200 and self._loaded())

    def announced(self) -> bool:
        """Whether it listens, so that its port is known."""
        place = self.folder.root / "run" / "predict.json"
        if not place.exists():
            return False
        told = json.loads(place.read_text())
        self.port = int(told["port"])
        return bool(told["pid"] == self.process.pid)

    def _loaded(self) -> bool:
        return self.get("/health")[0] == 200

    def wait(self, met: Callable[[], bool]) -> None:
        """Look again and again until it is so."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                if met():
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.said()}")
            if time.monotonic() > until_s:
                raise AssertionError("it did not come to be")
            time.sleep(0.01)

    def wait_revision(self, revision: int) -> None:
        """Wait until that revision of the routes is in service."""
        self.wait(lambda: self.get("/health")[1]["revision"] == revision)

    def wait_logged(self, rows: int) -> pl.DataFrame:
        """Wait until so many rows are in the log, and give them."""
        self.wait(lambda: self.folder.logged().height >= rows)
        return self.folder.logged()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers and body of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a GET."""
        status, _, body = self.ask("GET", path)
        return status, json.loads(body)

    def post(self, path: str, content: Any, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of a POST of JSON."""
        status, _, body = self.ask("POST", path, json.dumps(content).encode(), headers)
        return status, json.loads(body)

    def metric(self, name: str) -> float:
        """The sum of a family over its labels."""
        lines = self.ask("GET", "/metrics")[2].decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def kill(self) -> None:
        """End it as a power cut would; an ended one stays ended."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE_S)

    def said(self) -> str:
        """What it wrote to standard error."""
        return self._talk.read_text()
