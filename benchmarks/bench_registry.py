"""The model registry over MLflow's API, in bare requests on one connection: versions, aliases, searches."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.harness import Peer, Row, run

_MLFLOW = "mlflow==3.17.2"
_MADE = 300
_VERSIONS = 5_000
_SEARCHES = 20


class Client:
    """One connection that stays open.

    Args:
        port: of the server on this machine.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, place: str, body: object, *, method: str = "POST") -> bytes:
        """Send a request, and give the body of the answer."""
        text = json.dumps(body)
        head = {"content-type": "application/json"}
        self._connection.request(method, f"/api/2.0/mlflow/{place}", text, head)
        answer = self._connection.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{place}: {answer.status} {read[:200]!r}")
        return read

    def renew(self) -> None:
        """Connect anew at the next request: a server closes a connection that says nothing while a peer is measured."""
        self._connection.close()


def prepare(client: Client) -> None:
    """A model of its own for new versions, and one with many."""
    client.ask("registered-models/create", {"name": "new"})
    client.ask("registered-models/create", {"name": "many"})
    for at in range(_VERSIONS):
        client.ask("model-versions/create", {"name": "many", "source": f"s3://bucket/{at}"})


def create(client: Client) -> float:
    """Versions a second."""
    return _rate(
        lambda at: client.ask("model-versions/create", {"name": "new", "source": f"s3://bucket/{at}"}), count=_MADE
    )


def alias(client: Client) -> float:
    """Aliases a second, on a model with thousands of versions."""
    return _rate(
        lambda at: client.ask(
            "registered-models/alias", {"name": "many", "alias": "champion", "version": str(at * 7 % _VERSIONS + 1)}
        ),
        count=_MADE,
    )


def get(client: Client) -> float:
    """Versions that are read by their alias, a second."""
    alias(client)
    place = "registered-models/alias?name=many&alias=champion"
    return _rate(lambda _: client.ask(place, {}, method="GET"), count=_MADE)


def search(client: Client) -> float:
    """Milliseconds for the newest hundred of thousands."""
    place = "model-versions/search?filter=name%3D%27many%27&max_results=100&order_by=version_number%20DESC"
    return 1000 / _rate(lambda _: client.ask(place, {}, method="GET"), count=_SEARCHES)


def _rate(work: Callable[[int], object], *, count: int) -> float:
    begun = time.perf_counter()
    for at in range(count):
        work(at)
    return count / (time.perf_counter() - begun)


_WORK = (
    ("create", "create_model_version", "/s", create, 1_000),
    ("alias", "set alias, 5,000 versions", "/s", alias, 1_000),
    ("get", "get version by alias, 5,000 versions", "/s", get, None),
    ("search", "search_model_versions, 100 of 5,000", "ms", search, None),
)


def started(stack: ExitStack, command: Sequence[str], port: int) -> Client:
    """A server that answers, and a connection to it."""
    server = subprocess.Popen(command, start_new_session=True)

    def end() -> None:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)

    stack.callback(end)
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
        except OSError:
            time.sleep(0.05)
            continue
        return Client(port)


def free() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _anew(client: Client, measure: Callable[[Client], float]) -> float:
    client.renew()
    return measure(client)


def rows(stack: ExitStack) -> Sequence[Row]:
    """A row for each piece of work."""
    project = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (project / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: bench}\n")
    port = free()
    command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(project), "--port", str(port)]
    client = started(stack, command, port)
    prepare(client)
    return [
        Row(
            words,
            unit,
            us=partial(_anew, client, measure),
            peer=Peer("mlflow", (_MLFLOW,), "peer_mlflow_registry.py", (name,)),
            aim=aim,
        )
        for name, words, unit, measure, aim in _WORK
    ]


if __name__ == "__main__":
    run("registry", rows, packages=("uvicorn", "sqlalchemy"))
