"""How often somebody may ask: a number of tries that fills up again as time goes by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_MOST_KNOWN = 10_000


class Limit:
    """Counts what each caller has left, as a bucket that is refilled at a steady rate.

    Args:
        burst: how much may come at once.
        per_s: how much comes back in a second.
        now_s: seconds of a clock that only goes forward.

    Example:
        >>> limit = Limit(burst=2, per_s=0.5, now_s=lambda: 0.0)
        >>> [limit.wait_s("10.0.0.7", take=True) for _ in range(3)]
        [0.0, 0.0, 2.0]
    """

    def __init__(self, *, burst: float, per_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_s = per_s
        self._now_s = now_s
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, caller: str, *, take: bool = False) -> float:
        """How long a caller has to wait, 0 when he may ask now.

        Args:
            take: count this one, if it may be.
        """
        now_s = self._now_s()
        with self._lock:
            left, since_s = self._left.get(caller, (self._burst, now_s))
            left = min(self._burst, left + (now_s - since_s) * self._per_s)
            if left < 1:
                return (1 - left) / self._per_s
            if take:
                if len(self._left) >= _MOST_KNOWN:
                    self._forget(now_s)
                self._left[caller] = (left - 1, now_s)
        return 0.0

    def _forget(self, now_s: float) -> None:
        """Drop whoever has everything back; when all are at it, all: a table without end would be the attack itself."""
        full_s = self._burst / self._per_s
        kept = {caller: one for caller, one in self._left.items() if now_s - one[1] < full_s}
        self._left = kept if len(kept) < _MOST_KNOWN else {}
