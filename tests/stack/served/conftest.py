"""A server of a project on a port of its own, and the stack that its clients open."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from stackcanvas.server.control import make_app
from stackcanvas.server.door import Door
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack

CANVAS = "stackcanvas: 1\nproject: {name: delays}\n"


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Args:
        url: where.
        stack: what it has open.
        connect: opens its stack from afar, with a token of the role that is named.
    """

    url: str
    stack: Stack
    connect: Callable[..., Stack]
    token: Callable[[str], str]


def serving(app: Callable[..., Any]) -> tuple[uvicorn.Server, threading.Thread, str]:
    """A server in a thread that has begun to answer."""
    taken = socket.create_server(("127.0.0.1", 0))
    started = threading.Event()

    class Own(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started.set()

    own = Own(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=own.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    assert started.wait(30)
    return own, thread, f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A project behind a server that wants tokens."""
    root, away = tmp_path / "there", tmp_path / "here"
    root.mkdir()
    away.mkdir()
    (root / "canvas.yaml").write_text(CANVAS)
    monkeypatch.chdir(away)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ExitStack() as kept:
        stack = kept.enter_context(open_stack(root))
        texts: dict[str, str] = {}

        def token(role: str) -> str:
            if role not in texts:
                texts[role] = stack.tokens.add(f"{role}-1", role=role)
            return texts[role]

        own, thread, url = serving(make_app(stack, door=Door(tokens=True)))

        def stop() -> None:
            own.should_exit = True
            thread.join(10)

        kept.callback(stop)

        def connect(role: str = "writer", **more: str) -> Stack:
            environ = {"STACKCANVAS_TOKEN": token(role), "XDG_CACHE_HOME": str(tmp_path / "cache"), **more}
            return kept.enter_context(open_stack(url, environ=environ))

        yield Server(url, stack, connect, token)


@pytest.fixture
def served(server: Server) -> Stack:
    """The stack as a writer opens it from afar."""
    return server.connect()
