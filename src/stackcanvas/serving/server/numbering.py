"""Ids of predictions, many at a time: the same kind as `stackcanvas.ids`, made for a hot path."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np

_RANDOM_BITS = 61
_TOP = 1 << _RANDOM_BITS


class PredictionIds:
    """Gives blocks of ids (UUID version 7) that never repeat or sort backwards within a process.

    Random bits are drawn once a millisecond; within it the ids count up. Not thread safe: one event loop uses it.

    Args:
        randbits: gives so many random bits.

    Example:
        >>> ids = PredictionIds(lambda bits: 5)
        >>> ids.take(2, now_us=1_367_366_400_000_000)
        ['013e5d63780070058000000000000005', '013e5d63780070058000000000000006']
    """

    def __init__(self, randbits: Callable[[int], int] = secrets.randbits) -> None:
        self._randbits = randbits
        self._millisecond = -1
        self._prefix = ""
        self._next = 0

    def take(self, count: int, *, now_us: int) -> list[str]:
        """So many new ids, in order."""
        millisecond = now_us // 1000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._prefix = f"{(millisecond << 16) | (0x7 << 12) | self._randbits(12):016x}"
            self._next = (0b10 << 62) | self._randbits(_RANDOM_BITS)
        first = self._next
        self._next = first + count
        prefix = self._prefix
        if count == 1:
            return [f"{prefix}{first:016x}"]
        digits = (first + np.arange(count, dtype=np.uint64)).astype(">u8").tobytes().hex()
        return [prefix + digits[at : at + 16] for at in range(0, 16 * count, 16)]
