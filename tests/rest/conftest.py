"""The routes of all blocks over a project, asked in process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stackcanvas.rest.api import routes
from stackcanvas.rest.errors import install_errors
from stackcanvas.stack import Stack

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a short canvas."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    return tmp_path


@pytest.fixture
def asking() -> Callable[[Stack], Ask]:
    """Gives, for an open stack, a function that sends a request to its routes: `ask("GET", "/models")`."""

    def over(stack: Stack) -> Ask:
        app = FastAPI(routes=routes())
        install_errors(app)

        async def over(scope: Any, receive: Any, send: Any) -> None:
            scope["stack"] = stack
            await app(scope, receive, send)

        async def send(method: str, path: str, **options: Any) -> httpx.Response:
            transport = httpx.ASGITransport(over, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://stack/api/v1") as client:
                return await client.request(method, path, **options)

        return lambda *words, **options: asyncio.run(send(*words, **options))

    return over
