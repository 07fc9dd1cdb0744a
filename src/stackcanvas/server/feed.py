"""The events of the spine as a stream of server-sent events: one reader of the table for all listeners."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from starlette.concurrency import run_in_threadpool

from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Event
from stackcanvas.plain import plain

_log = logging.getLogger("stackcanvas.control")
_BEAT_S = 15.0
_BACKLOG = 1000


class Feed:
    """Reads the event table twice a second while somebody listens, and tells every listener.

    Args:
        after: the events with a higher number than the one given, oldest first.
        head: the number of the last event.
        period_s: how often the table is read.
    """

    def __init__(
        self, *, after: Callable[[int], Sequence[Event]], head: Callable[[], int], period_s: float = 0.5
    ) -> None:
        self._after = after
        self._head = head
        self._period_s = period_s
        self._news = asyncio.Condition()
        self._reached = 0
        self._away = False
        self._listeners = 0
        self._wanted = asyncio.Event()
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End every stream."""
        self._closed.set()
        self._wanted.set()

    async def run(self) -> None:
        """Watch the table until the feed is closed."""
        while not self._closed.is_set():
            await self._wanted.wait()
            if self._listeners == 0:
                self._wanted.clear()
                continue
            reached = await self._look()
            if reached != self._reached:
                self._reached = reached
                await self._tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), self._period_s)
        await self._tell()

    async def _look(self) -> int:
        """The number of the last event; the one known already while the database is away, which is said once."""
        try:
            reached = await run_in_threadpool(self._head)
        except StackCanvasError as error:
            if not self._away:
                _log.error("the events cannot be read: %s", error.sentence())
            self._away = True
            return self._reached
        self._away = False
        return reached

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def stream(self, after: int | None) -> AsyncIterator[bytes]:
        """The events from a number on, as lines of `text/event-stream`; from now on when None."""
        self._listeners += 1
        try:
            last = await run_in_threadpool(self._head) if after is None else after
            self._reached = max(self._reached, last) if after is None else self._reached
            self._wanted.set()
            yield b"retry: 1000\n\n"
            while not self._closed.is_set():
                events = await run_in_threadpool(self._after, last)
                for event in events:
                    last = event.sequence
                    yield _line(event)
                if not events and not await self._wait(last):
                    yield b": still here\n\n"
        except StackCanvasError as error:
            # The answer has begun: it ends here, and the listener comes again with the number that it has reached.
            _log.debug("a stream of events ends: %s", error.sentence())
        finally:
            self._listeners -= 1

    async def _wait(self, last: int) -> bool:
        try:
            async with self._news, asyncio.timeout(_BEAT_S):
                await self._news.wait_for(lambda: self._reached > last or self._closed.is_set())
        except TimeoutError:
            return False
        return True


def _line(event: Event) -> bytes:
    data = json.dumps(plain(event), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.sequence}\ndata: {data}\n\n".encode()
