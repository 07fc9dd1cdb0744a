"""How lengths of time, sizes and percentages are written: a number and a unit, without a blank between them.

    lengths of time   us ms s m h d w          500ms, 30s, 15m, 2h, 7d, 1.5h
    sizes             B KB MB GB TB PB         powers of 1000: 250MB, 1.5GB
                      KiB MiB GiB TiB PiB      powers of 1024: 512MiB
    percentages       %                        10%, 0.5%

Nothing else is understood: no bare numbers, no months (their length varies), no `1h30m` (write 90m).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from stackcanvas.errors import BadInput

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?(us|ms|s|m|h|d|w)$"
SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)?([KMGTP]i?)?B$"
SHARE_PATTERN = r"^[0-9]+(\.[0-9]+)?%$"

_LONGEST_TEXT = 40
_LONGEST_DURATION_US = 1000 * 366 * 86_400 * 1_000_000
_MICROSECOND = timedelta(microseconds=1)
# Largest first: what is written back uses the first unit that divides evenly.
_DURATION_US: Mapping[str, int] = MappingProxyType(
    {
        "w": 604_800_000_000,
        "d": 86_400_000_000,
        "h": 3_600_000_000,
        "m": 60_000_000,
        "s": 1_000_000,
        "ms": 1_000,
        "us": 1,
    }
)
_SIZE_BYTES: Mapping[str, int] = MappingProxyType(
    {f"{letter}B": 1000**power for power, letter in ((5, "P"), (4, "T"), (3, "G"), (2, "M"), (1, "K"))}
    | {f"{letter}iB": 1024**power for power, letter in ((5, "P"), (4, "T"), (3, "G"), (2, "M"), (1, "K"))}
    | {"B": 1}
)
_LARGEST_SIZE_BYTES = 1000**6
_NUMBER_AND_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z%]+)")


def parse_duration(text: str) -> timedelta:
    """Read a length of time.

    Raises:
        BadInput: the text is not a number and a unit, or the time is finer than a microsecond or beyond 1000 years.

    Example:
        >>> parse_duration("2h")
        datetime.timedelta(seconds=7200)
        >>> parse_duration("1.5d") == parse_duration("36h")
        True
    """
    expected = "a length of time such as 500ms, 30s, 15m, 2h or 7d"
    microseconds = _read(text, _DURATION_US, expected=expected)
    if microseconds > _LONGEST_DURATION_US:
        raise BadInput(f"{text!r} is longer than 1000 years", expected=expected)
    return timedelta(microseconds=microseconds)


def format_duration(duration: timedelta) -> str:
    """Write a length of time in the largest unit up to days that divides it; `parse_duration` reads it back.

    Raises:
        ValueError: it is negative.

    Example:
        >>> format_duration(timedelta(hours=36)), format_duration(timedelta(days=14))
        ('36h', '14d')
    """
    microseconds = duration // _MICROSECOND
    if microseconds < 0:
        raise ValueError(f"{duration} is negative")
    return _write(microseconds, {name: one for name, one in _DURATION_US.items() if name != "w"}, nothing="0s")


def parse_size(text: str) -> int:
    """Read a size as bytes.

    Raises:
        BadInput: the text is not a number and a unit, or not a whole number of bytes, or beyond 1000 PB.

    Example:
        >>> parse_size("1.5GB"), parse_size("64KiB")
        (1500000000, 65536)
    """
    expected = "a size such as 250MB, 1.5GB or 64KiB"
    size_bytes = _read(text, _SIZE_BYTES, expected=expected)
    if size_bytes > _LARGEST_SIZE_BYTES:
        raise BadInput(f"{text!r} is more than 1000PB", expected=expected)
    return size_bytes


def format_size(size_bytes: int) -> str:
    """Write bytes in the largest unit that divides them; `parse_size` reads it back.

    Raises:
        ValueError: it is negative.

    Example:
        >>> format_size(1_500_000_000), format_size(65536)
        ('1500MB', '64KiB')
    """
    if size_bytes < 0:
        raise ValueError(f"{size_bytes} is negative")
    return _write(size_bytes, _SIZE_BYTES, nothing="0B")


def parse_share(text: str) -> float:
    """Read a percentage as a share of one.

    Raises:
        BadInput: the text is not a number and `%`, or it is more than 100%.

    Example:
        >>> parse_share("12.5%")
        0.125
    """
    expected = "a percentage such as 10% or 0.5%"
    number = _number(text, units=("%",), expected=expected)[0]
    if number > 100:
        raise BadInput(f"{text!r} is more than 100%", expected=expected)
    return float(number / 100)


def format_share(share: float) -> str:
    """Write a share of one as a percentage; `parse_share` reads it back.

    Raises:
        ValueError: it does not lie between 0 and 1.

    Example:
        >>> format_share(0.125), format_share(1.0)
        ('12.5%', '100%')
    """
    if not 0 <= share <= 1:
        raise ValueError(f"{share} does not lie between 0 and 1")
    plain = f"{Decimal(repr(float(share))) * 100:f}"
    return f"{plain.rstrip('0').rstrip('.') if '.' in plain else plain}%"


def _number(text: str, *, units: tuple[str, ...], expected: str) -> tuple[Decimal, str]:
    found = _NUMBER_AND_UNIT.fullmatch(text) if text.isascii() else None
    if found is None or found[2] not in units:
        shown = text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."
        raise BadInput(f"{shown!r} is not {expected.split(' such as ', maxsplit=1)[0]}", expected=expected)
    return Decimal(found[1]), found[2]


def _read(text: str, units: Mapping[str, int], *, expected: str) -> int:
    if len(text) > _LONGEST_TEXT:
        raise BadInput(f"{text[: _LONGEST_TEXT - 3] + '...'!r} is too long", expected=expected)
    number, unit = _number(text, units=tuple(units), expected=expected)
    whole = number * units[unit]
    if whole != whole.to_integral_value():
        smallest = next(name for name, one in units.items() if one == 1)
        raise BadInput(f"{text!r} is not a whole number of {smallest}", expected=expected)
    return int(whole)


def _write(amount: int, units: Mapping[str, int], *, nothing: str) -> str:
    if amount == 0:
        return nothing
    # Among the units that divide evenly, the one with the shortest number: 65536 is 64KiB, not 65536B.
    fitting = [(amount // one, name) for name, one in units.items() if amount % one == 0]
    number, name = min(fitting, key=lambda pair: pair[0])
    return f"{number}{name}"
