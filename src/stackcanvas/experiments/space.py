"""What values a parameter may take in a search, as people write it: `2..10`, `0.001..0.1:log`, `gini,entropy`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stackcanvas.errors import BadInput

_FORMS = "such as 2..10, 0.001..0.1:log, or gini,entropy"


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from one to another; whole ones when both ends are.

    Args:
        log: small values are tried as often as large ones.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    values: tuple[str | int | float | bool, ...]


Space = Range | Choice


def read_space(text: str) -> Space:
    """The values that a text means.

    Raises:
        BadInput: it means none.

    Example:
        >>> read_space("2..10"), read_space("gini,entropy")
        (Range(low=2, high=10, log=False), Choice(values=('gini', 'entropy')))
    """
    low, dots, rest = text.partition("..")
    if not dots:
        values = tuple(_value(part.strip()) for part in text.split(",") if part.strip())
        if len(values) < 2:
            raise BadInput(f"{text!r} leaves nothing to search", expected=_FORMS)
        return Choice(values)
    high, colon, scale = rest.partition(":")
    ends = (_value(low.strip()), _value(high.strip()))
    if not all(isinstance(end, int | float) and not isinstance(end, bool) and math.isfinite(end) for end in ends):
        raise BadInput(f"{text!r} is no range of numbers", expected=_FORMS)
    first, last = float(ends[0]), float(ends[1])
    if first >= last or scale not in {"", "log"} or (colon and not scale) or (scale == "log" and first <= 0):
        raise BadInput(f"{text!r} is no range", expected=f"a lower and a higher end, above 0 with :log; {_FORMS}")
    whole = all(isinstance(end, int) for end in ends)
    return Range(int(first) if whole else first, int(last) if whole else last, log=scale == "log")


def _value(text: str) -> str | int | float | bool:
    if text in {"true", "false"}:
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
