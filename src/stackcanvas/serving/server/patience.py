"""How long a server waits for the rest of a request: who sends a thousand halves must not keep others out."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 30.0
"""From the first byte of a request, or the connection, to the end of its head."""
SILENCE_S = 60.0
"""Without a byte of a body that the server would read."""


class Patient(HttpToolsProtocol):
    """HTTP as uvicorn speaks it; a connection whose request does not come is closed."""

    _due = math.inf
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._due = self.loop.time() + HEAD_S
        self._look = self.loop.call_later(HEAD_S, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the head of one more request."""
        self._due = self.loop.time() + HEAD_S
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        self._due = self.loop.time() + SILENCE_S
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Wait for more of it; not of one whose answer was given without it."""
        if not self.cycle.response_complete:
            self._due = self.loop.time() + SILENCE_S
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there: now the client waits."""
        self._due = math.inf
        super().on_message_complete()

    def _check(self) -> None:
        now = self.loop.time()
        if self.flow.read_paused:  # the server does not read at the moment
            self._due = max(self._due, now + SILENCE_S)
        if now >= self._due:
            self.transport.abort()
            return
        self._look = self.loop.call_later(min(self._due - now, HEAD_S), self._check)
