"""A project whose MLflow API is asked in process, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

import stackcanvas as sc
from stackcanvas.server.control import make_app
from stackcanvas.stack import Stack

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """An open stack on SQLite."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    with sc.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def ask(stack: Stack) -> Ask:
    """Sends a request: `ask("POST", "/api/2.0/mlflow/runs/create", json={...})`."""
    app = make_app(stack)

    async def send(method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **options)

    return lambda *words, **options: asyncio.run(send(*words, **options))
