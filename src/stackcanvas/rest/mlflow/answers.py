"""What is answered: JSON as protobuf writes it, where what is unset is absent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from stackcanvas.clock import to_us

JSON = "application/json"
_INFINITY = math.inf


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes with a type, for the few routes that do not answer JSON of their own making."""

    body: bytes
    media_type: str = JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are set: None and empty lists are left out.

    Example:
        >>> present(name="a", tags=[], end_time=None, step=0)
        {'name': 'a', 'step': 0}
    """
    return {name: value for name, value in fields.items() if value is not None and value != []}


def encode(answer: object) -> bytes:
    """The bytes of an answer."""
    return msgspec.json.encode(answer)


def milliseconds(instant: datetime | None) -> int | None:
    """Milliseconds since 1970, as every timestamp is told."""
    return None if instant is None else to_us(instant) // 1000


def number(value: float | str) -> float | str:
    """A metric's value; JSON has no NaN and no infinities, so they are words."""
    if value.__class__ is float and -_INFINITY < value < _INFINITY:
        return value
    plain = float(value)
    if math.isfinite(plain):
        return plain
    if math.isnan(plain):
        return "NaN"
    return "Infinity" if plain > 0 else "-Infinity"


def pairs(given: dict[str, str]) -> list[dict[str, str]]:
    """Parameters or tags as a list of key and value."""
    return [{"key": key, "value": value} for key, value in given.items()]
