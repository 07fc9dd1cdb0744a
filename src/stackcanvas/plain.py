"""Values as JSON can hold them and as people read them: one place for the command line, REST and pages."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any

_AS_THEY_ARE = frozenset((str, int, bool, type(None)))


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
    kind: Any = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _converter(kind)(value)


@lru_cache(maxsize=256)
def _converter(kind: Any) -> Callable[[Any], Any]:
    """How values of a type become plain: looked up once, for there may be ten thousand of them."""
    for known, convert in _KINDS.items():
        if issubclass(kind, known):
            return convert
    if callable(getattr(kind, "to_dict", None)):
        return lambda value: plain(value.to_dict())
    if dataclasses.is_dataclass(kind):
        if kind.__str__ is not object.__str__:
            return str
        names = tuple(field.name for field in dataclasses.fields(kind))
        return lambda value: {name: plain(getattr(value, name)) for name in names}
    if callable(getattr(kind, "tolist", None)):  # a number or an array of numpy
        return lambda value: plain(value.tolist())
    raise TypeError(f"{kind.__name__} has no plain form")


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
    Enum: lambda value: plain(value.value),
    str: lambda value: value,
    int: lambda value: value,
    datetime: instant_text,
    date: str,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    Decimal: str,
    PurePath: str,
    bytes: lambda value: base64.b64encode(value).decode("ascii"),
    AbstractSet: lambda value: sorted((plain(item) for item in value), key=str),
}

_UNITS = {"bytes": "bytes", "s": "s", "us": "us", "ms": "ms"}


def title(name: str) -> str:
    """The heading of a field: its words, without the unit.

    Example:
        >>> title("new_bytes"), title("created")
        ('new', 'created')
    """
    words = name.split("_")
    if len(words) > 1 and words[-1] in _UNITS:
        words = words[:-1]
    return " ".join(words)


def cell(value: Any, *, name: str = "") -> str:
    """The value as text; the unit at the end of the name decides how a number is shown.

    Example:
        >>> cell(1_536, name="size_bytes"), cell(0.25, name="took_s"), cell(None), cell(True)
        ('1.5 kB', '250 ms', '', 'yes')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, int | float):
        return _number(value, name.rsplit("_", 1)[-1] if "_" in name else "")
    return _text(plain(value))


def _text(shown: Any) -> str:
    return one_line(shown) if isinstance(shown, Mapping | list) else str(shown)


# The key that says what the rest of a mapping is about stands alone, without its name.
_LEADING = (
    *(
        "name",
        "kind",
        "by",
        "mode",
        "where",
        "needed",
        "block",
        "choice",
        "tool",
        "pipeline",
        "metric",
        "method",
        "view",
    ),
    *("requirement", "measure", "url"),
)


def one_line(shown: Any) -> str:
    """A plain value as one line: of a list of mappings only what they are called, where that tells them apart.

    Example:
        >>> one_line({"kind": "canary", "steps": ["10%", "100%"], "every": "12h"})
        'canary, steps 10% · 100%, every 12h'
        >>> one_line([{"name": "flights", "uri": "a"}, {"name": "weather", "uri": "b"}]), one_line(False)
        ('flights; weather', 'no')
    """
    if isinstance(shown, Mapping):
        # What it is about comes first, wherever it is written.
        pairs = sorted(shown.items(), key=lambda pair: pair[0] not in _LEADING)
        return ", ".join(said for key, value in pairs if (said := _pair(str(key), value)))
    if isinstance(shown, Sequence) and not isinstance(shown, str):
        if any(isinstance(item, Mapping) for item in shown):
            heads = [_head(item) for item in shown]
            # Where their names do not tell them apart, more is said of each.
            return "; ".join(heads if len(set(heads)) == len(heads) else [one_line(item) for item in shown])
        return ", ".join(one_line(item) for item in shown)
    return " ".join(cell(shown).split())


def _pair(key: str, value: Any) -> str:
    said = one_line(value)
    if isinstance(value, list):
        said = said.replace(", ", " · ")
    alone = key in _LEADING and not (isinstance(value, bool) and key != "needed")
    return said if alone or not said else f"{key.replace('_', ' ')} {said}"


def _head(item: Any) -> str:
    if not isinstance(item, Mapping):
        return one_line(item)
    named = next((item[key] for key in _LEADING if key in item), None)
    return one_line(item if named is None else named)


def _number(value: float, unit: str) -> str:
    if unit == "bytes":
        return bytes_text(value)
    if unit in {"s", "ms", "us"}:
        return duration_text(value / {"s": 1, "ms": 1e3, "us": 1e6}[unit])
    return str(value) if isinstance(value, int) else f"{value:.5g}"


def bytes_text(size_bytes: float) -> str:
    """A size with its unit.

    Example:
        >>> bytes_text(512), bytes_text(131_072), bytes_text(5e9)
        ('512 B', '128.0 kB', '4.7 GB')
    """
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"


def duration_text(seconds_s: float) -> str:
    """A duration with its unit.

    Example:
        >>> duration_text(0.0004), duration_text(12.34), duration_text(93), duration_text(-7300)
        ('0.4 ms', '12.3 s', '1 min 33 s', '-2 h 1 min')
    """
    if seconds_s < 0:  # between two clocks, or one that was set back
        return f"-{duration_text(-seconds_s)}"
    if seconds_s < 1:
        return f"{seconds_s * 1000:.3g} ms"
    if seconds_s < 60:
        return f"{seconds_s:.1f} s"
    minutes, seconds = divmod(round(seconds_s), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
