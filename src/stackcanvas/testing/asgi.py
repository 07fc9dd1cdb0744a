"""Asks an ASGI application in process, for tests of pages and routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote

_Message: TypeAlias = MutableMapping[str, Any]
_App: TypeAlias = Callable[
    [_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """Asks one application; nothing is kept between two questions.

    Args:
        app: the application.
        host: the name by which it is asked.

    Example:
        >>> async def app(scope, receive, send):
        ...     await send({"type": "http.response.start", "status": 200, "headers": []})
        ...     await send({"type": "http.response.body", "body": scope["path"].encode()})
        >>> Client(app).get("/health").text
        '/health'
    """

    def __init__(self, app: _App, *, host: str = "127.0.0.1:8700") -> None:
        self._app = app
        self._host = host

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask with GET."""
        return self.ask("GET", path, headers=headers)

    def post(
        self, path: str, *, body: bytes | Iterable[bytes] = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a body with POST; several parts are sent without saying their length."""
        return self.ask("POST", path, body=body, headers=headers)

    def ask(
        self, method: str, path: str, *, body: bytes | Iterable[bytes] = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask and wait for the whole answer."""
        given = {"host": self._host, **{name.lower(): value for name, value in (headers or {}).items()}}
        parts = [body] if isinstance(body, bytes) else list(body)
        if isinstance(body, bytes):
            given.setdefault("content-length", str(len(body)))
        # In a thread: a test may have a loop of its own, as the one that drives a browser has.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._ask(method, path, given, parts)).result()

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], parts: list[bytes]) -> Answer:
        place, _, query = path.partition("?")
        scope: _Message = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(place),
            "raw_path": place.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8700),
        }
        waiting = [
            {"type": "http.request", "body": part, "more_body": index + 1 < len(parts)}
            for index, part in enumerate(parts)
        ]
        sent: list[_Message] = []

        async def receive() -> _Message:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: _Message) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start = next(message for message in sent if message["type"] == "http.response.start")
        answered = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        whole = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        return Answer(start["status"], answered, whole)
