"""Threads that work for an event loop, at half of what the standard library's executor takes to hand work over."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Threads:
    """A few threads; they begin when there is work, and end with this object or the process.

    Args:
        count: how many at most.
        name: what a list of threads shows.

    Example:
        >>> asyncio.run(Threads(1, name="adding").run(sum, (1, 2)))
        3
    """

    def __init__(self, count: int, *, name: str) -> None:
        self._left = count
        self._name = name
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        weakref.finalize(self, _end, self._work, count)

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """What a function gives, called in one of the threads with the caller's context."""
        loop, context = asyncio.get_running_loop(), copy_context()
        waiting = loop.create_future()

        def do() -> None:
            try:
                told, error = context.run(work, *given), None
            except BaseException as raised:  # noqa: BLE001 - whoever waits gets it
                told, error = None, raised
            try:
                loop.call_soon_threadsafe(_tell, waiting, told, error)
            except RuntimeError:  # the loop has ended meanwhile: nobody waits
                return

        self._work.put(do)
        if self._left:
            self._left -= 1
            threading.Thread(target=_serve, args=(self._work,), name=self._name, daemon=True).start()
        told, error = await waiting
        if error is not None:
            raise error
        return cast("T", told)


def _serve(work: SimpleQueue[Callable[[], None] | None]) -> None:
    while (do := work.get()) is not None:
        do()
        del do  # it holds what it was given, which must not live until there is more work


def _tell(waiting: asyncio.Future[Any], told: object, error: BaseException | None) -> None:
    if not waiting.done():  # who waited may have gone
        waiting.set_result((told, error))  # not as its exception: a future takes no StopIteration


def _end(work: SimpleQueue[Callable[[], None] | None], count: int) -> None:
    for _ in range(count):
        work.put(None)
