"""Values as JSON can hold them: the one place where records become text, for the command line, REST and pages."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any


def plain(value: Any) -> Any:
    """A copy made of dict, list, str, int, float, bool and None only.

    Instants become ISO text in UTC, durations seconds, money its exact text, bytes base64, NaN and infinities
    their names. A record gives its `to_dict()` when it has one, else its own text form (a ref), else its fields.

    Raises:
        TypeError: the value has no plain form.

    Example:
        >>> plain({"at": datetime(2013, 5, 1, tzinfo=UTC), "earned": Decimal("1.10"), "loss": float("nan")})
        {'at': '2013-05-01T00:00:00Z', 'earned': '1.10', 'loss': 'NaN'}
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    for kind, convert in _KINDS.items():
        if isinstance(value, kind):
            return convert(value)
    if callable(getattr(value, "to_dict", None)):
        return plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if type(value).__str__ is not object.__str__:
            return str(value)
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if callable(getattr(value, "item", None)):  # a number of numpy
        return plain(value.item())
    raise TypeError(f"{type(value).__name__} has no plain form")


def instant_text(instant: datetime) -> str:
    """An instant as ISO text in UTC, ending in Z.

    Example:
        >>> instant_text(datetime(2013, 5, 1, 12, 30, tzinfo=UTC))
        '2013-05-01T12:30:00Z'
    """
    if instant.tzinfo is None:
        return instant.isoformat()
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


# In this order: a datetime is a date, too.
_KINDS: dict[type, Callable[[Any], Any]] = {
    datetime: instant_text,
    date: str,
    timedelta: timedelta.total_seconds,
    Decimal: str,
    PurePath: str,
    bytes: lambda value: base64.b64encode(value).decode("ascii"),
    AbstractSet: lambda value: sorted((plain(item) for item in value), key=str),
}
