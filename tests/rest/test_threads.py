"""Threads that work for an event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from contextvars import ContextVar

import pytest

from stackcanvas.rest.threads import Threads

_WHO = ContextVar("who", default="nobody")


def test_answers_and_errors_come_back() -> None:
    """Many at once, each to who asked; an error ends nothing."""

    async def ask() -> None:
        threads = Threads(2, name="asked")
        assert await asyncio.gather(*(threads.run(pow, at, 2) for at in range(50))) == [at * at for at in range(50)]
        with pytest.raises(ZeroDivisionError):
            await threads.run(divmod, 1, 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(threads.run(next, iter(())), 10)
        assert await threads.run(len, "after an error") == 14

    asyncio.run(ask())


def test_work_knows_the_context_of_who_asked_and_runs_in_order_in_one_thread() -> None:
    """Who acts stands in the context."""
    seen: list[tuple[str, str]] = []

    def note() -> None:
        seen.append((_WHO.get(), threading.current_thread().name))

    async def ask(who: str, threads: Threads) -> None:
        _WHO.set(who)
        await threads.run(note)

    async def all_ask() -> None:
        threads = Threads(1, name="noting")
        await asyncio.gather(*(ask(str(at), threads) for at in range(20)))

    asyncio.run(all_ask())
    assert seen == [(str(at), "noting") for at in range(20)]


def test_who_leaves_early_hinders_nobody() -> None:
    """A client that closes its connection leaves work behind."""
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        may_end.wait(10)

    wrong: list[object] = []

    async def ask() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, said: wrong.append(said))
        threads = Threads(1, name="left")
        leaving = asyncio.create_task(threads.run(slow))
        await asyncio.to_thread(begun.wait, 10)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        may_end.set()
        assert await threads.run(len, "next") == 4

    asyncio.run(ask())
    assert not wrong


def test_threads_end_with_their_object() -> None:
    """Nothing else ends them before the process does."""

    async def ask() -> None:
        threads = Threads(3, name="ending")
        await asyncio.gather(*(threads.run(time.sleep, 0) for _ in range(3)))

    asyncio.run(ask())
    gc.collect()
    deadline = time.monotonic() + 10
    while any(one.name == "ending" for one in threading.enumerate()):
        assert time.monotonic() < deadline, "they wait for work that nobody can send any more"
        time.sleep(0.01)
