"""The prediction server of the demo: a process of its own, asked over HTTP like any other."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import polars as pl

from stackcanvas.errors import Unavailable
from stackcanvas.serving import Log

_PATIENCE_S = 30.0
_PAUSE_S = 0.02


class PredictionServer:
    """Starts the server on a free port of this machine and stops it at the end.

    Args:
        folder: the project's state.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        words = [sys.executable, "-m", "stackcanvas.server.predict", "--folder", str(folder), "--port", "0", "--replay"]
        # Named as its parent, this process takes the server with it when it is killed.
        surroundings = os.environ | {"STACKCANVAS_PARENT": str(os.getpid())}
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, env=surroundings)
        self._connection: http.client.HTTPConnection | None = None

    def predict(self, endpoint: str, records: Sequence[dict[str, Any]], *, at: str) -> list[dict[str, Any]]:
        """The predictions for some records.

        Args:
            at: when they were asked for, as ISO text.

        Raises:
            Unavailable: the server has gone, or refuses.
        """
        body = msgspec.json.encode({"records": records, "event_time": at})
        connection = self._connected()
        try:
            connection.request("POST", f"/v1/predict/{endpoint}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the prediction server does not answer ({error})") from error
        if answer.status != 200:
            raise Unavailable(f"the prediction server answered {answer.status}: {content.decode(errors='replace')}")
        predictions: list[dict[str, Any]] = msgspec.json.decode(content)["predictions"]
        return predictions

    def wait_for(self, revision: int) -> None:
        """Wait until the server has taken over a revision of the routes."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            if self._revision() >= revision:
                return
            time.sleep(_PAUSE_S)
        raise Unavailable(f"the prediction server has not taken over revision {revision} of the routes")

    def wait_until_logged(self, log: Log, endpoint: str, prediction_id: str, *, since: datetime) -> None:
        """Wait until a prediction stands in the log."""
        wanted = pl.col("prediction_id") == prediction_id
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s:
            rows = log.scan(endpoint, start=since)
            if rows.collect_schema().names() and rows.filter(wanted).select(pl.len()).collect().item():
                return
            time.sleep(_PAUSE_S)
        raise Unavailable(f"the prediction {prediction_id} does not come to the log")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _revision(self) -> int:
        try:
            told = json.loads((self._folder / "serving" / "status.json").read_text())
            return int(told["revision"]) if told["pid"] == self._process.pid else -1
        except (OSError, ValueError, KeyError):
            return -1

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._address()
            self._connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
        return self._connection

    def _address(self) -> tuple[str, int]:
        """Where it listens, as soon as it says so."""
        place = self._folder / "run" / "predict.json"
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            try:
                told = json.loads(place.read_text())
                if told["pid"] == self._process.pid:
                    return told["host"], told["port"]
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(_PAUSE_S)
        raise Unavailable("the prediction server did not start", fix="Its last words stand above")
