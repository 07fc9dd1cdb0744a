"""What the prediction log keeps in the place of a value that it must not hold."""

from __future__ import annotations

import math

import msgspec
from blake3 import blake3

encode = msgspec.json.Encoder(order="sorted").encode


def hashed(value: object) -> str | None:
    """What the log keeps in the place of a value.

    Example:
        >>> hashed("N14228"), hashed(float("nan"))
        ('b8ff00605ee4ad5e', None)
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    return blake3(encode(value)).hexdigest()[:16]
