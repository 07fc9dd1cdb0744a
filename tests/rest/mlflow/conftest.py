"""A project whose MLflow API is asked in process, and servers of their own for MLflow's client."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

import stackcanvas as sc
from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack
from stackcanvas.stack.running import process

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
EMPTY = "stackcanvas: 1\nproject: {name: tracked}\n"
Ask = Callable[..., httpx.Response]
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An open stack on SQLite."""
    with _opened(tmp_path) as opened:
        yield opened


@contextmanager
def _opened(folder: Path) -> Iterator[Stack]:
    (folder / "canvas.yaml").write_text(MINIMAL.read_text())
    with sc.open(folder) as opened:
        yield opened


@pytest.fixture
def ask(stack: Stack) -> Ask:
    """Sends a request: `ask("POST", "/api/2.0/mlflow/runs/create", json={...})`."""
    return _asking(stack)


def _asking(stack: Stack) -> Ask:
    app = make_app(stack)

    async def send(method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **options)

    def asked(*words: Any, **options: Any) -> httpx.Response:
        # In a thread: another test's browser may have left a loop in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, send(*words, **options)).result()

    return asked


@pytest.fixture
def call(ask: Ask) -> Call:
    """Sends a JSON request below the prefix: `call("runs/get", run_id=...)`; gives status and answer.

    Names that are read come in a query, all others in a body; `method=` says otherwise.
    """
    return _calling(ask)


@pytest.fixture(scope="module")
def call_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """As `call`, of one project for requests of a module that do not mind what others left there."""
    with _opened(tmp_path_factory.mktemp("shared")) as opened:
        yield _calling(_asking(opened))


def _calling(ask: Ask) -> Call:

    def send(place: str, *, method: str | None = None, **fields: Any) -> tuple[int, Any]:
        reads = place.endswith(("/get", "/list", "get-by-name", "get-history", "bulk", "interval"))
        method = method or ("GET" if reads else "POST")
        given = {"params": fields} if method == "GET" else {"json": fields}
        said = ask(method, f"/ajax-api/2.0/mlflow/{place}", **given)
        return said.status_code, said.json()

    return send


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a control server, a process of its own, on each database."""
    project = tmp_path_factory.mktemp("tracked")
    canvas, environ = EMPTY, dict(os.environ)
    if request.param == "postgresql":
        # A schema is made when it is opened, and goes with the server.
        schema = f"mlflow_{secrets.token_hex(6)}"
        environ["STACK_DATABASE_URL"] = f"{request.getfixturevalue('postgres_server')}&schema={schema}"
        canvas += "metadata: {store: {url: '${STACK_DATABASE_URL}'}}\n"
    (project / "canvas.yaml").write_text(canvas)
    command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(project), "--port", "0"]
    running = subprocess.Popen(command, env=environ)
    try:
        last = time.monotonic() + 60
        while (found := process(project / ".stackcanvas", "control")) is None or found.url is None:
            assert running.poll() is None
            assert time.monotonic() < last
            time.sleep(0.05)
        yield found.url
    finally:
        running.terminate()
        running.wait(30)
