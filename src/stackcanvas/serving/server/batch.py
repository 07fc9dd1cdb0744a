"""Requests that wait together run together; nothing ever waits for more to come.

All requests that were decoded in one turn of the event loop go to the model as one matrix. While a slow or large batch
runs in a thread of its own, those that arrive meanwhile gather for the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcanvas.serving.server.signature import Array, Rows


@dataclass(slots=True, eq=False)
class Item:
    """The rows of one request and, once `done`, what became of them; the fallback answers those that are `absent`."""

    rows: Rows
    ids: list[str]
    time_us: int
    started_s: float
    request_id: str | None = None
    entities: list[dict[str, Any] | None] | None = None
    absent: npt.NDArray[np.bool_] | None = None
    done: asyncio.Future[None] | None = None
    outputs: list[Array] = field(default_factory=list)
    fallback: list[bool] | None = None
    warnings: list[str | None] | None = None
    error: Exception | None = None

    @property
    def count(self) -> int:
        """How many rows it has."""
        return len(self.ids)


class Batcher:
    """Runs what is waiting, in the order in which it came.

    Args:
        run: fills in the items given to it; called on the event loop for small batches of a fast model, else in `pool`.
        pool: one thread of it is used at a time.
        most_rows: of a batch; a larger request runs alone.
        inline_rows: a larger batch runs in the pool.
        inline_s: a model whose last batch took longer runs in the pool.
        alone: whether no other request is under way, so that there is nothing to wait for.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], None],
        *,
        pool: Executor,
        most_rows: int = 1024,
        inline_rows: int = 2048,
        inline_s: float = 0.005,
        alone: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run = run
        self._pool = pool
        self._most_rows = most_rows
        self._inline_rows = inline_rows
        self._inline_s = inline_s
        self._alone = alone
        self._last_s = 0.0
        self._waiting: list[Item] = []
        self._flushing = False

    def submit(self, item: Item) -> asyncio.Future[None] | None:
        """Take one request; gives what to wait for, None when it has run already."""
        if not self._flushing and self._alone() and self._fits_inline([item]):
            self._timed([item])
            return None
        loop = asyncio.get_running_loop()
        item.done = loop.create_future()
        self._waiting.append(item)
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)
        return item.done

    def _flush(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for number, chunk in enumerate(chunks := list(_chunks(waiting, self._most_rows))):
                if self._fits_inline(chunk):
                    self._timed(chunk)
                    _resolve(chunk)
                    continue
                self._waiting = [item for later in chunks[number + 1 :] for item in later] + self._waiting
                self._run_aside(chunk)
                return
        self._flushing = False

    def _fits_inline(self, chunk: list[Item]) -> bool:
        return self._last_s <= self._inline_s and sum(item.count for item in chunk) <= self._inline_rows

    def _run_aside(self, chunk: list[Item]) -> None:
        running = asyncio.get_running_loop().run_in_executor(self._pool, self._timed, chunk)
        running.add_done_callback(lambda _: self._ran(chunk))

    def _ran(self, chunk: list[Item]) -> None:
        _resolve(chunk)
        self._flush()

    def _timed(self, chunk: list[Item]) -> None:
        started_s = time.perf_counter()
        try:
            self._run(chunk)
        except Exception as error:  # noqa: BLE001 - whatever it is, every request of the batch must hear of it
            for item in chunk:
                item.error = item.error or error
        self._last_s = time.perf_counter() - started_s


def _chunks(waiting: list[Item], most_rows: int) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    rows = 0
    for item in waiting:
        if chunk and rows + item.count > most_rows:
            yield chunk
            chunk, rows = [], 0
        chunk.append(item)
        rows += item.count
    if chunk:
        yield chunk


def _resolve(chunk: list[Item]) -> None:
    for item in chunk:
        if item.done is not None and not item.done.done():
            item.done.set_result(None)
