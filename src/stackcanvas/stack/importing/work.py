"""Work of an import that waits for others: done by several threads, written in batches and in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

_THREADS = 8
_AHEAD = 32
_TOGETHER = 50

Prepared = TypeVar("Prepared")


class Batches(Generic[Prepared]):
    """Prepares entries side by side, only so many ahead, and writes them together.

    Args:
        write: writes some entries.
        plan: nothing is written.
    """

    def __init__(self, write: Callable[[list[Prepared]], None], *, plan: bool) -> None:
        self._write = write
        self._plan = plan
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="stackcanvas-import")
        self._running: deque[Future[Prepared | None]] = deque()
        self._ready: list[Prepared] = []

    def add(self, prepare: Callable[[], Prepared | None]) -> None:
        """Have an entry prepared; waits while many are on their way.

        Raises:
            StackCanvasError: an earlier one could not be prepared for a reason that stops the import.
        """
        self._running.append(self._pool.submit(prepare))
        while len(self._running) > _AHEAD:
            self._take()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                while self._running:
                    self._take()
                self._flush()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def _take(self) -> None:
        found = self._running.popleft().result()
        if found is not None and not self._plan:
            self._ready.append(found)
        if len(self._ready) >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        if self._ready:
            ready, self._ready = self._ready, []
            self._write(ready)
