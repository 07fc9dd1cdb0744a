"""Which variant answers a row: by weight, or always the same one for the same key."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate


class Chooser:
    """Draws one of several variants.

    Args:
        weights: shares, at least one above zero.
        salt: two choosers of different salt send the same key different ways.

    Example:
        >>> chooser = Chooser([0.9, 0.1], salt="delay")
        >>> chooser.sticky("ord") == chooser.sticky("ord")
        True
        >>> Chooser([0, 1], salt="").free(random.Random(1))
        1
    """

    def __init__(self, weights: Sequence[float], *, salt: str) -> None:
        total = sum(weights)
        self._edges = [edge / total for edge in accumulate(weights)][:-1]
        self._last = max(index for index, weight in enumerate(weights) if weight > 0)
        self._salt = salt.encode() + b"\0"
        self.only = self._last if sum(weight > 0 for weight in weights) == 1 else None
        """The one variant that has all the weight, where there is one."""

    def free(self, rng: random.Random) -> int:
        """A variant, drawn by weight."""
        return self._at(rng.random())

    def sticky(self, key: object) -> int:
        """The variant of a key, the same in every process and after every restart."""
        digest = blake2b(self._salt + _text(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return self._at(int.from_bytes(digest, "big") / 2**64)

    def _at(self, draw: float) -> int:
        return min(bisect_right(self._edges, draw), self._last)


def _text(key: object) -> str:
    # 7 and 7.0 are the same key: clients and data frames disagree on which of them a whole number is.
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(key)
