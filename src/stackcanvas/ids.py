"""Ids that sort by time: UUID version 7 (RFC 9562) as 32 hexadecimal characters."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime

_RANDOM_BITS = 74


class Ids:
    """Makes ids; those of one maker never sort backwards, even within a millisecond.

    Args:
        now: tells the current instant.
        randbits: gives so many random bits; `secrets.randbits` unless a test passes its own.

    Example:
        >>> from datetime import UTC, datetime
        >>> ids = Ids(lambda: datetime(2013, 5, 1, tzinfo=UTC))
        >>> first, second = ids.new(), ids.new()
        >>> len(first), first < second
        (32, True)
    """

    def __init__(self, now: Callable[[], datetime], randbits: Callable[[int], int] = secrets.randbits) -> None:
        self._now = now
        self._randbits = randbits
        self._lock = threading.Lock()
        self._last = (0, 0)

    def new(self) -> str:
        """A new id."""
        milliseconds_ms = int(self._now().timestamp() * 1000)
        with self._lock:
            last_ms, last_random = self._last
            if milliseconds_ms > last_ms:
                # The top bit stays free so that ids of the same millisecond can count up.
                drawn = self._randbits(_RANDOM_BITS - 1)
            else:
                milliseconds_ms, drawn = last_ms, last_random + 1 + self._randbits(32)
            self._last = (milliseconds_ms, drawn)
        high, low = drawn >> 62, drawn & ((1 << 62) - 1)
        return f"{(milliseconds_ms << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low:032x}"
