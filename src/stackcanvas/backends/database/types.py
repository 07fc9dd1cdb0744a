"""Column types that keep their values on every database; blocks declare their tables with these only.

A value that would be changed, cut or refused by one of the databases is refused on all of them, before it is sent.
"""

# ruff: noqa: ARG002  (the signatures are SQLAlchemy's)

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Double, LargeBinary, types
from sqlalchemy import Boolean as PlainBoolean
from sqlalchemy import Text as PlainText
from sqlalchemy.dialects.sqlite import INTEGER as SQLITE_INTEGER
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DontWrapMixin

from stackcanvas.clock import from_us, to_us
from stackcanvas.errors import BadInput

_INT64 = 1 << 63
_SHOWN = 60
_ENCODER = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` would make one for every value


class BadValue(BadInput, DontWrapMixin):
    """A value that a column cannot keep."""


class Text(types.TypeDecorator[str]):
    """Text of any length, sorted by code point; NUL and lone surrogates are refused."""

    impl = PlainText
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """PostgreSQL sorts by its locale unless told otherwise; SQLite compares bytes."""
        return dialect.type_descriptor(PlainText(collation="C" if dialect.name == "postgresql" else None))

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Refuse what one of the databases cannot store."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadValue(f"{_shown(value)} is not text", expected="text")
        # Always a plain string: drivers store the name of an enumeration's member instead of its value.
        plain = value if type(value) is str else str.__str__(value)
        if "\0" in plain:
            raise BadValue(f"the text {_shown(plain)} holds a NUL character", expected="text without NUL characters")
        if not plain.isascii():
            try:
                plain.encode()
            except UnicodeEncodeError:
                raise BadValue(
                    f"the text {_shown(value)} holds half of a surrogate pair", expected="text that UTF-8 can hold"
                ) from None
        return plain


class Integer(types.TypeDecorator[int]):
    """A whole number of 64 bits."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """SQLite numbers a primary key by itself only when the type is called INTEGER."""
        return dialect.type_descriptor(SQLITE_INTEGER() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Take anything that is a whole number, within 64 bits."""
        if value is None:
            return None
        try:
            number = operator.index(value)
        except TypeError:
            raise BadValue(f"{_shown(value)} is not a whole number", expected="a whole number") from None
        if not -_INT64 <= number < _INT64:
            raise BadValue(f"the number {number} is too large", expected="a whole number of 64 bits")
        return number


class Real(types.TypeDecorator[float]):
    """A floating-point number of 64 bits; keeps NaN and the infinities, which sort NaN last, as PostgreSQL does.

    SQLite turns NaN into NULL, so it is stored there as the text `NaN`, which SQLite sorts and compares above every
    number: order, comparison, minimum and maximum agree with PostgreSQL. Sums and averages over NaN do not: leave NaN
    out (`column != nan`) before summing.
    """

    impl = Double
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """The whole way to the driver: SQLAlchemy's own last step would turn the text `NaN` back into a number."""
        return _real_or_text if dialect.name == "sqlite" else _real

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        """Read the stored number, NaN included."""
        return None if value is None else float(value)


def _real(value: Any) -> float | None:
    """Take anything that is a real number; minus zero becomes zero, which SQLite does anyway."""
    if value is None:
        return None
    if isinstance(value, str | bytes):
        raise BadValue(f"{_shown(value)} is not a number", expected="a number")
    try:
        return float(value) + 0.0
    except (TypeError, ValueError):
        raise BadValue(f"{_shown(value)} is not a number", expected="a number") from None
    except OverflowError:
        raise BadValue(f"the number {_shown(value)} is too large", expected="a number of 64 bits") from None


def _real_or_text(value: Any) -> float | str | None:
    number = _real(value)
    return "NaN" if number is not None and math.isnan(number) else number


class Boolean(types.TypeDecorator[bool]):
    """True or false."""

    impl = PlainBoolean
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bool | None:
        """Take true and false only, never a number."""
        if value is None or isinstance(value, bool):
            return value
        raise BadValue(f"{_shown(value)} is neither true nor false", expected="true or false")


class Bytes(types.TypeDecorator[bytes]):
    """A few bytes, such as a hash; large ones belong into the object store."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Take anything that holds bytes."""
        if value is None:
            return None
        if not isinstance(value, bytes | bytearray | memoryview):
            raise BadValue(f"{_shown(value)} is not bytes", expected="bytes")
        return bytes(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """Read plain bytes whatever view the driver gives."""
        return None if value is None else bytes(value)


class Instant(types.TypeDecorator[datetime]):
    """An instant to the microsecond, stored as microseconds since 1970 in UTC; instants without a zone are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Microseconds since 1970."""
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise BadValue(f"{_shown(value)} is not an instant", expected="a datetime with a zone")
        if value.tzinfo is None:
            raise BadValue(f"the instant {value.isoformat()} has no zone", expected="a datetime with a zone")
        return to_us(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The instant in UTC."""
        return None if value is None else from_us(value)


class Json(types.TypeDecorator[Any]):
    """A document of dictionaries, lists, text, numbers, true, false and null, stored as ASCII text.

    NaN and the infinities are kept, whole numbers of any size too; a tuple comes back as a list, keys are text. None
    stores NULL.
    """

    impl = PlainText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """The document as text."""
        if value is None:
            return None
        _check_keys(value)
        try:
            return _ENCODER.encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise BadValue(f"{_shown(value)} cannot be stored as JSON: {error}") from None

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The document as it was given."""
        return None if value is None else json.loads(value)


def _check_keys(document: Any) -> None:
    """Refuse keys that are not text: JSON would turn them into text without a word."""
    pending = [document]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if not isinstance(item, dict | list | tuple) or id(item) in seen:
            continue
        seen.add(id(item))  # a document that holds itself ends here and is refused by the encoder
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str):
                    raise BadValue(f"the key {_shown(key)} of a document is not text", expected="keys that are text")
            pending.extend(item.values())
        else:
            pending.extend(item)


def _shown(value: object) -> str:
    """The value in a message, cut when it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
