"""One value as a person reads it in a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stackcanvas.plain import plain

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
    if isinstance(shown, Mapping):
        return ", ".join(f"{key}={cell(item)}" for key, item in shown.items())
    if isinstance(shown, list):
        return ", ".join(cell(item) for item in shown)
    return str(shown)


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
        >>> duration_text(0.0004), duration_text(12.34), duration_text(93), duration_text(7300)
        ('0.4 ms', '12.3 s', '1 min 33 s', '2 h 1 min')
    """
    if abs(seconds_s) < 1:
        return f"{seconds_s * 1000:.3g} ms"
    if abs(seconds_s) < 60:
        return f"{seconds_s:.1f} s"
    minutes, seconds = divmod(round(seconds_s), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
