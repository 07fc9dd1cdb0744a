"""Rows and keys as they come in JSON, made what the online store has: JSON knows neither instants nor 3.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from stackcanvas.backends.keyvalue.rows import KINDS, LIST, Place, item
from stackcanvas.clock import from_us, to_us
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.serving.server.features import ViewPlan

_MOST_ROWS = 100_000
_PLAIN: Mapping[str, tuple[type, ...]] = {"integer": (int, float), "float": (int, float), "text": (str,)}


def rows_of(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Columns as rows.

    Raises:
        BadInput: they have different lengths, or there are too many rows.
    """
    lengths = {len(values) for values in columns.values()}
    if not columns or len(lengths) != 1:
        raise BadInput("the columns have different lengths" if columns else "there are no columns")
    if max(lengths) > _MOST_ROWS:
        raise BadInput(f"{max(lengths):,} rows are asked", expected=f"at most {_MOST_ROWS:,} at once")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def as_keys(columns: Mapping[str, list[Any]], places: Sequence[Place]) -> dict[str, list[Any]]:
    """The columns with whole numbers where views have numbers as keys.

    Clients of Feast send them as text, or as fractions where another row of their table lacks one.
    """
    numbers = {
        name for place in places for name, kind in zip(place.keys, place.kinds, strict=False) if kind == "number"
    }
    return {
        name: [_whole(value) for value in values] if name in numbers and set(map(type, values)) != {int} else values
        for name, values in columns.items()
    }


def available_us(view: ViewPlan, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """When the last of these rows becomes known; None when none ever does.

    Raises:
        NotFound: a column is missing.
        BadInput: a time is none.
    """
    times = [view.event_time] if view.known_time is None else [view.event_time, view.known_time]
    for name in (*view.place.keys, *times, *view.place.features):
        if rows and name not in rows[0]:
            raise NotFound("column", name, known=list(rows[0]), where=f"rows pushed to view {view.place.name}")
    told = [[instant_us(view, row[name]) for name in times] for row in rows]
    return max((max(one) for one in told if None not in one), default=None)  # type: ignore[type-var]


def items(view: ViewPlan, rows: Sequence[Mapping[str, Any]], *, now_us: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Rows as the store takes them, without those that are not known yet.

    Raises:
        BadInput: a key or value is of another kind than the view has.
    """
    place, prefix = view.place, view.place.prefix
    kinds = place.feature_kinds or ("",) * len(place.features)
    for at, row in enumerate(rows):
        key = tuple(row[name] for name in place.keys)
        for name, value, kind in zip(place.keys, key, place.kinds or [""] * len(key), strict=True):
            if value is not None and type(value) not in KINDS.get(kind, (str, int, bool)):
                raise _other(f"the key {name!r}", value, at, kind or "text or a whole number")
        values = []
        for name, kind in zip(place.features, kinds, strict=True):
            try:
                values.append(_value(view, row[name], kind))
            except TypeError:
                raise _other(f"the feature {name!r}", row[name], at, kind) from None
        event = instant_us(view, row[view.event_time])
        known = event if view.known_time is None else instant_us(view, row[view.known_time])
        if None in key or event is None or known is None or max(event, known) > now_us:
            continue
        try:
            yield item(prefix, key, event, known, values)
        except OverflowError:
            raise BadInput("a whole number has more than 64 bits", where=f"row {at}") from None


def instant_us(view: ViewPlan, value: object) -> int | None:
    """An instant of a pushed row: ISO text, or seconds since 1970.

    Raises:
        BadInput: it is neither, or beyond the years 1 to 9999.
    """
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return to_us(from_us(round(value * 1_000_000)))
        except OverflowError:
            raise BadInput(
                f"{value!r} is no instant", expected="seconds since 1970 within the years 1 to 9999"
            ) from None
    return to_us(instant(str(value), zone=view.timezone))


def instant(text: str, *, zone: str | None = "UTC") -> datetime:
    """ISO text as an instant; Feast takes times without a zone as UTC, and so do these routes.

    Raises:
        BadInput: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:60]!r} is no instant", expected="ISO 8601, as 2013-05-01T12:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(zone or "UTC"))


def as_json(values: list[Any]) -> list[Any]:
    """The values of a feature as Feast writes them: instants as whole seconds since 1970."""
    first = next((value for value in values if value is not None), None)
    if isinstance(first, list):
        return [None if value is None else as_json(value) for value in values]
    if isinstance(first, datetime):
        return [None if value is None else to_us(value) // 1_000_000 for value in values]
    return values


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return value


def _value(view: ViewPlan, value: Any, kind: str) -> Any:
    """A value as the view's data set has it.

    Raises:
        TypeError: it is of another kind.
    """
    if value is None or not kind:
        return value
    if kind.startswith(LIST):
        if not isinstance(value, list):
            raise TypeError
        return [_value(view, one, kind.removeprefix(LIST)) for one in value]
    if kind == "instant":
        return from_us(instant_us(view, value) or 0)
    if isinstance(value, bool) or kind == "boolean":
        if not isinstance(value, bool) or kind != "boolean":
            raise TypeError
        return value
    if type(value) not in _PLAIN.get(kind, ()):
        raise TypeError
    if kind == "float":
        return float(value)
    # Where another row lacks a value, clients send whole numbers as fractions.
    return _whole(value) if kind == "integer" else value


def _other(what: str, value: object, at: int, kind: str) -> BadInput:
    return BadInput(f"{what} is {value!r}"[:100], where=f"row {at}", expected=kind)
