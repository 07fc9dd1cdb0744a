"""What is odd about the columns of a table: the sentences that a careful person would write beside its profile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stackcanvas.statistics import CategoricalProfile, InstantProfile, NumericProfile, OpaqueProfile
from stackcanvas.statistics.cells import missing
from stackcanvas.statistics.profile import ColumnProfile

WRONG, ODD, NOTE = "wrong", "odd", "note"

_STAND_INS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0})
_EMPTY_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", "unknown", "missing", "#n/a"})
_STAND_IN_DAYS = frozenset({(1, 1, 1), (1900, 1, 1), (1970, 1, 1), (9999, 12, 31), (2099, 12, 31)})
_FAR = 50


_Found = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should look at.

    Args:
        column: None where it is about the whole table.
        severity: `wrong` (spoils what is made of it), `odd` (likely a mistake) or `note`.
        said: a sentence.
        rows: how many it is about, where that is known.
    """

    column: str | None
    severity: str
    said: str
    rows: int | None = None


def of_column(name: str, column: ColumnProfile, *, now: datetime) -> list[Finding]:
    """What is odd about one column.

    Args:
        now: what is later than this lies in the future.
    """
    if not column.rows:
        return []
    found = list(_missing(column))
    if missing(column) < column.rows:
        for kind, look in _LOOKS.items():
            if isinstance(column, kind):
                found += look(column, now)
    return [Finding(name, severity, said, rows) for severity, said, rows in found]


def of_texts(name: str, texts: Sequence[str]) -> list[Finding]:
    """What is odd about some values of a column of texts: numbers and dates that are not stored as such.

    Example:
        >>> [one.said for one in of_texts("price", ["1.50", "2", "n/a"])]
        ['holds numbers as text']
    """
    held = [text for text in texts if text.strip().lower() not in _EMPTY_WORDS]
    if held and all(map(_is_number, held)):
        return [Finding(name, ODD, "holds numbers as text")]
    if held and all(map(_is_day, held)):
        return [Finding(name, ODD, "holds dates as text")]
    return []


def _missing(column: ColumnProfile) -> Iterator[_Found]:
    lacking = missing(column)
    if lacking == column.rows:
        yield WRONG, "has no value in any row", lacking
    elif 2 * lacking > column.rows:
        yield ODD, f"is missing in {lacking / column.rows:.0%} of the rows", lacking
    if isinstance(column, NumericProfile) and column.nulls and column.nans:
        yield NOTE, "holds both null and NaN", column.nans


def _numeric(column: ColumnProfile, _now: datetime) -> Iterator[_Found]:
    assert isinstance(column, NumericProfile)
    if column.infinite:
        yield WRONG, "holds infinite values", column.infinite
    if not column.finite:
        return
    if column.distinct == 1:
        yield ODD, f"has one value only, {column.minimum:g}", None
        return
    low, first, last, high = column.quantiles([0.01, 0.25, 0.75, 0.99])
    width = last - first
    for value in (column.minimum, column.maximum):
        if value in _STAND_INS and not low < value < high and _apart(column, value, width):
            yield ODD, f"holds {value:g}, which looks like a stand-in for a missing value", None
    if width > 0 and math.isfinite(width):
        for value, near in ((column.minimum, first), (column.maximum, last)):
            if abs(value - near) > _FAR * width and value not in _STAND_INS:
                yield NOTE, f"reaches to {value:.4g}, while half of it lies from {first:.4g} to {last:.4g}", None
                break


def _apart(column: NumericProfile, value: float, width: float) -> bool:
    """Whether nothing of the rest comes near the value."""
    inner = [one for one in column.quantiles([0.02 + step / 50 for step in range(48)]) if one != value]
    gap = min((abs(one - value) for one in inner), default=0.0)
    return gap > max(1.0, width)


def _categorical(column: ColumnProfile, _now: datetime) -> Iterator[_Found]:
    assert isinstance(column, CategoricalProfile)
    known = column.rows - column.nulls
    if column.distinct == 1:
        yield ODD, f"has one value only, {next(iter(column.counts), '')!r}", None
        return
    if not column.exact and column.distinct > 0.9 * known and known > 100:
        yield NOTE, "differs in nearly every row: an identifier or free text", None
    names = column.counts
    empty = {name: count for name, count in names.items() if name.strip().lower() in _EMPTY_WORDS}
    if empty:
        shown = ", ".join(repr(name) for name in sorted(empty)[:4])
        yield ODD, f"holds {shown} where a value is missing", sum(empty.values())
    blank = sum(count for name, count in names.items() if name != name.strip() and name.strip())
    if blank:
        yield ODD, "has values that begin or end with a blank", blank
    same = _same_but_for_case(names)
    if same:
        yield ODD, f"has values that differ in case or blanks only, such as {' and '.join(map(repr, same))}", None


def _same_but_for_case(names: dict[str, int]) -> list[str]:
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(" ".join(name.split()).casefold(), name)
        if first != name and name.strip():
            return [first, name]
    return []


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def _instant(column: ColumnProfile, now: datetime) -> Iterator[_Found]:
    assert isinstance(column, InstantProfile)
    if column.minimum_us is None or column.maximum_us is None:
        return
    if column.minimum_us == column.maximum_us:
        yield ODD, "has one instant only", None
        return
    for one in (_shown(column.minimum_us), _shown(column.maximum_us)):
        if one is None or (one.year, one.month, one.day) in _STAND_IN_DAYS:
            said = f"{one:%Y-%m-%d}" if one else "an instant that no calendar has"
            yield ODD, f"holds {said}, which looks like a stand-in for a missing value", None
    last = _shown(column.maximum_us)
    if last is not None and last > now and (last.year, last.month, last.day) not in _STAND_IN_DAYS:
        yield NOTE, f"reaches into the future, to {last:%Y-%m-%d}", None


def _shown(instant_us: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(instant_us / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _opaque(_column: ColumnProfile, _now: datetime) -> Iterator[_Found]:
    yield NOTE, "holds lists, records or bytes, which are counted only", None


_LOOKS: dict[type, Callable[[ColumnProfile, datetime], Iterator[_Found]]] = {
    NumericProfile: _numeric,
    CategoricalProfile: _categorical,
    InstantProfile: _instant,
    OpaqueProfile: _opaque,
}
