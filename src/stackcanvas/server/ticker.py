"""One tick of a worker, called again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from stackcanvas.clock import Clock
from stackcanvas.server.said import Said

_log = logging.getLogger("stackcanvas.worker")
_LONGEST_PAUSE_S = 30.0


class Ticker:
    """Calls one tick again and again.

    Args:
        name: of the tick.
        tick: the work; takes the time it is.
        clock: what time it is for the work.
        turn: tells whether it is this worker's turn, and surrounds the work.
        said: what this worker has complained of.
        period_s: the pause after each tick; it doubles while the tick fails.
    """

    def __init__(
        self,
        name: str,
        tick: Callable[[datetime], object],
        *,
        clock: Clock,
        turn: Callable[[], AbstractContextManager[bool]],
        said: Said | None = None,
        period_s: float = 0.5,
    ) -> None:
        self.name = name
        self._tick = tick
        self._clock = clock
        self._turn = turn
        self._said = said or Said(_log)
        self._period_s = period_s
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop."""
        while not stop.is_set():
            stop.wait(self.once())

    def once(self) -> float:
        """Tick once if it is this worker's turn; gives the seconds to wait before the next time."""
        try:
            with self._turn() as mine:
                if mine:
                    self._tick(self._clock.now())
        except Exception as error:  # noqa: BLE001 - one kind of work may not end the others
            self._failures += 1
            self._said.wrong(self.name, error)
            return float(min(self._period_s * 2**self._failures, _LONGEST_PAUSE_S))
        self._failures = 0
        self._said.right(self.name)
        return self._period_s
