"""What typed answers are made of: the frozen base, the kinds of values, and the marks that a field can carry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from stackcanvas.canvas import units
from stackcanvas.canvas.events import EventPattern
from stackcanvas.errors import BadInput

_CRON_START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_LONGEST_TEXT = 10_000
_LONGEST_NAME = 250


class Answer(BaseModel):
    """An answer, or a part of one: frozen, without unknown keys, nothing converted silently."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
    )

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON and YAML hold it; passwords in addresses are masked."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """Names the kind of a value for people: in errors, forms and the reference."""

    name: str
    expected: str
    example: str


@dataclass(frozen=True, slots=True)
class Driver:
    """Marks a field that drives cost; where it is left out, its default is an assumption.

    Args:
        unit: what the number counts, such as `runs a month`.
    """

    unit: str


@dataclass(frozen=True, slots=True)
class PerEnvironment:
    """Marks a field or an answer that `environments` may change: an address, replicas or a policy."""


def bad(what: str, *, expected: str | None = None, fix: str | None = None) -> PydanticCustomError:
    """An error for a validator to raise; `problems` turns it into a sentence with its place."""
    return PydanticCustomError("bad_input", "{what}", {"what": what, "expected": expected, "fix": fix})


def of_wrong_type() -> PydanticCustomError:
    """An error for a value of another type than the field's; the field's kind says what was expected."""
    return PydanticCustomError("wrong_type", "of another type")


def _reading(read: Any, *, kept: type) -> BeforeValidator:
    def convert(value: object) -> object:
        if isinstance(value, kept) and not isinstance(value, str):
            return value
        if not isinstance(value, str):
            raise of_wrong_type()
        try:
            return read(value)
        except BadInput as error:
            raise bad(error.what, expected=error.expected, fix=error.fix) from None

    return BeforeValidator(convert)


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise of_wrong_type()
    # The shortest text of a float is what was written, up to the 15 digits that the field allows.
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _plain_money(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _day(text: str) -> dt.date:
    try:
        if len(text) == 10:
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise BadInput(f"{text[:40]!r} is not a day", expected="a day such as 2026-11-23")


def _name(text: str) -> str:
    if not text or text != text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
        raise bad("the name is empty, padded, too long or holds unprintable characters", expected=NAME.expected)
    if any(mark in text for mark in ":@/"):
        raise bad(f"the name {text[:40]!r} holds a colon, an @ or a slash", expected=NAME.expected)
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise bad("the text is empty", expected=TEXT.expected)
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
        raise bad("the text holds a control character", expected=TEXT.expected)
    return text


def _cron(text: str) -> str:
    try:
        if len(text.split()) != 5:
            raise bad(f"{text[:40]!r} has not five fields", expected=CRON.expected)
        CronSim(text, _CRON_START)
    except CronSimError as error:
        raise bad(f"{text[:40]!r} is not a schedule ({error})", expected=CRON.expected) from None
    return text


def _contact(text: str) -> str:
    name, at, host = text.rpartition("@")
    if not at or not name or " " in text or "." not in host.strip("."):
        raise bad(f"{text[:60]!r} is not an e-mail address", expected=EMAIL.expected)
    return text


def _pattern(text: str) -> EventPattern:
    return EventPattern.parse(text)


NAME = Kind("name", "a name without : @ or /", "delay")
TEXT = Kind("text", "a text", "a sentence")
CRON = Kind("schedule", "five fields: minute, hour, day, month, weekday, such as 0 3 * * 1", "0 3 * * 1")
EMAIL = Kind("e-mail", "an e-mail address such as ops@example.org", "ops@example.org")
EVENT = Kind("event", "an event such as data.committed data:flights", "drift.found deployment:delay")
DURATION = Kind("length of time", "a length of time such as 500ms, 30s, 15m, 2h or 7d", "7d")
SIZE = Kind("size", "a size such as 250MB, 1.5GB or 64KiB", "2GB")
SHARE = Kind("percentage", "a percentage such as 10% or 0.5%", "10%")
MONEY = Kind("money", "an amount of money such as 12.50 or -3", "12.50")
DAY = Kind("day", "a day such as 2026-11-23", "2026-11-23")
COUNT = Kind("whole number", "a whole number, 0 or more", "3")
POSITIVE = Kind("whole number", "a whole number, 1 or more", "3")
AMOUNT = Kind("number", "a number, 0 or more", "1.5")

Text = Annotated[str, AfterValidator(_text), Field(max_length=_LONGEST_TEXT), TEXT]
Name = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "minLength": 1, "pattern": "^[^:@/]+$"}), NAME
]
Email = Annotated[str, AfterValidator(_contact), Field(max_length=320), EMAIL]
Cron = Annotated[str, AfterValidator(_cron), Field(max_length=100), CRON]
Event = Annotated[
    EventPattern,
    _reading(_pattern, kept=EventPattern),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^[a-z]+\.\S+( [a-z]+:.+)?$"}),
    EVENT,
]
Duration = Annotated[
    dt.timedelta,
    _reading(units.parse_duration, kept=dt.timedelta),
    PlainSerializer(units.format_duration, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": units.DURATION_PATTERN}),
    DURATION,
]
Size = Annotated[
    int,
    _reading(units.parse_size, kept=str),
    PlainSerializer(units.format_size, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": units.SIZE_PATTERN}),
    SIZE,
]
Share = Annotated[
    float,
    _reading(units.parse_share, kept=str),
    PlainSerializer(units.format_share, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": units.SHARE_PATTERN}),
    SHARE,
]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    Field(max_digits=15, decimal_places=6),
    PlainSerializer(_plain_money, when_used="json"),
    WithJsonSchema({"type": "number"}),
    MONEY,
]
Day = Annotated[
    dt.date,
    _reading(_day, kept=dt.date),
    PlainSerializer(dt.date.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
    DAY,
]
Count = Annotated[int, Field(ge=0, le=10**15), COUNT]
Positive = Annotated[int, Field(ge=1, le=10**15), POSITIVE]
Amount = Annotated[float, Field(ge=0, le=1e15), AMOUNT]

Need = Literal["optional", "mandatory"]
"""The answer of the questions that begin with "do we need it"."""


class Block(BaseModel):
    """The answers of one block; None is an unanswered question."""

    model_config = Answer.model_config


def distinct(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list that names the same thing twice."""
    twice = next((item for place, item in enumerate(items) if item in items[:place]), None)
    if twice is not None:
        raise bad(f"{str(twice)[:40]!r} is listed twice", expected="each entry once")
    return items


def distinct_by(field: str) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A check that no two entries of a list share a field's value."""

    def check(items: tuple[Any, ...]) -> tuple[Any, ...]:
        values = [getattr(item, field) for item in items]
        twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
        if twice is not None:
            raise bad(f"two entries have the {field} {str(twice)[:40]!r}", expected=f"each {field} once")
        return items

    return check
