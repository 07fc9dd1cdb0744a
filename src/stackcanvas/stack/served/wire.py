"""Values as they travel between a client and its server, and back to the same types.

MessagePack holds what it can; everything else is a map with one key that no record of ours has. A record travels by its
fields: those that the other side does not know are left out, so that releases which are near each other understand each
other. What comes from a client is built from records of this package only, each of its fields held against its type.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import BaseModel, ConfigDict, InstanceOf, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from stackcanvas.errors import BadInput, StackCanvasError
from stackcanvas.late import late
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
else:
    pa = late("pyarrow")
    pl = late("polars")

_MARK = "$"
_OURS = "stackcanvas."
_INT64 = 1 << 63
_DEEPEST = 60


class Unknown(StackCanvasError):
    """The other side sent something of a release that this one does not know."""

    status = 400
    exit_code = 6


def pack(value: object) -> bytes:
    """The value as bytes.

    Raises:
        BadInput: it cannot travel, as a function or a path of this machine cannot.

    Example:
        >>> unpack(pack({"loss": float("inf"), "at": (date(2026, 11, 24), Decimal("1.10"))}))
        {'loss': inf, 'at': (datetime.date(2026, 11, 24), Decimal('1.10'))}
    """
    try:
        return msgspec.msgpack.encode(_encoded(value, 0))
    except (UnicodeEncodeError, OverflowError, msgspec.MsgspecError) as error:
        raise BadInput(f"a value cannot be sent ({error})", expected="text, numbers, records and tables") from None


def unpack(data: bytes, *, trusted: bool = False) -> Any:
    """The value that `pack` was given.

    Args:
        trusted: it comes from the server that was asked, which may name records that are not loaded here yet.

    Raises:
        BadInput: the bytes are not those of a value.
        Unknown: it holds a record that this release does not have.
    """
    try:
        return _decoded(msgspec.msgpack.decode(data), trusted=trusted)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadInput(f"these bytes are no value ({error})", expected="MessagePack as a client sends it") from None


def _encoded(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise BadInput("a value lies too deep to be sent", expected=f"{_DEEPEST} levels at most")
    if value is None or isinstance(value, bool | bytes):
        return value
    for kinds, encode in _ENCODERS:
        if isinstance(value, kinds):
            return encode(value, depth + 1)
    return _encoded_object(value, depth)


def _number(value: Any, _depth: int) -> Any:
    # Those of numpy are of these kinds, too, and are not what the library takes.
    if isinstance(value, float):
        return float(value)
    return int(value) if -_INT64 <= value < _INT64 else _marked("int", str(value))


def _listed(value: Any, depth: int) -> list[Any]:
    return [_encoded(item, depth) for item in value]


def _tupled(value: Any, depth: int) -> Any:
    if not hasattr(value, "_fields"):
        return _marked("tuple", _listed(value, depth))
    fields = {name: _encoded(item, depth) for name, item in zip(value._fields, value, strict=True)}
    return _marked("record", fields, of=_name(type(value)))


def _mapped(value: Mapping[Any, Any], depth: int) -> Any:
    if all(isinstance(key, str) for key in value) and _MARK not in value:
        return {key: _encoded(item, depth) for key, item in value.items()}
    return _marked("map", [[_encoded(key, depth), _encoded(item, depth)] for key, item in value.items()])


def _encoded_object(value: Any, depth: int) -> Any:
    for kind, (name, say, _) in _KINDS.items():
        if isinstance(value, kind):
            return _marked(name, say(value))
    kept = type(value)
    if dataclasses.is_dataclass(value) and kept.__module__.startswith(_OURS):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
        # What a record computes when it is asked, such as a profile, is given anew where it arrives.
        told = {name: _encoded(item, depth + 1) for name, item in fields.items() if not callable(item)}
        return _marked("record", told, of=_name(kept))
    if isinstance(value, BaseModel) and kept.__module__.startswith(_OURS):
        return _marked("model", value.model_dump_json(by_alias=True), of=_name(kept))
    frame = _frame(value)
    if frame is not None:
        return _marked("frame", frame.write_ipc(None).getvalue())
    if callable(getattr(value, "tolist", None)):  # of numpy
        return _encoded(value.tolist(), depth + 1)
    raise BadInput(f"a {kept.__name__} cannot be sent", expected="text, numbers, records and tables")


def _frame(value: Any) -> pl.DataFrame | None:
    """Rows in any form as a frame; None when it is no form of rows."""
    if type(value).__module__.partition(".")[0] == "polars":
        if isinstance(value, pl.LazyFrame):
            return value.collect()
        if isinstance(value, pl.DataFrame):
            return value
    return pl.DataFrame(value) if hasattr(value, "__arrow_c_stream__") else None


def _marked(kind: str, value: Any, **more: str) -> dict[str, Any]:
    return {_MARK: kind, "v": value, **more}


def _name(kind: type) -> str:
    if not kind.__module__.startswith(_OURS) or "." in kind.__qualname__:
        raise BadInput(f"a {kind.__name__} cannot be sent", expected="a record of this package")
    return f"{kind.__module__.removeprefix(_OURS)}:{kind.__qualname__}"


def _decoded(value: Any, *, trusted: bool) -> Any:
    if isinstance(value, list):
        return [_decoded(item, trusted=trusted) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_MARK)
    if kind is None:
        return {key: _decoded(item, trusted=trusted) for key, item in value.items()}
    try:
        return _unmarked(str(kind), value, trusted=trusted)
    except StackCanvasError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever bytes from outside do to a library, it is said in one sentence
        raise BadInput(f"a value of the kind {str(kind)[:60]!r} cannot be read ({type(error).__name__})") from None


def _unmarked(kind: str, value: Mapping[str, Any], *, trusted: bool) -> Any:
    held = value["v"]
    if kind in _BACK:
        return _BACK[kind](held)
    if kind == "frame":
        return _read_frame(held)
    if kind == "map":
        return {_hashable(_decoded(key, trusted=trusted)): _decoded(item, trusted=trusted) for key, item in held}
    if kind in {"tuple", "set"}:
        made = (_decoded(item, trusted=trusted) for item in held)
        return tuple(made) if kind == "tuple" else frozenset(made)
    if kind not in {"record", "model", "enum"}:
        raise Unknown(f"a value is of the kind {kind[:60]!r}, which this release does not know", fix=_UPGRADE)
    found = _class(str(value["of"]), trusted=trusted)
    if kind == "record":
        fields = {name: _decoded(item, trusted=trusted) for name, item in held.items()}
        return _record(found, fields, trusted=trusted)
    # Models are stricter with values of Python than with JSON, which has no tuples.
    return _checked(found, held, as_json=kind == "model")


def _read_frame(held: bytes) -> pl.DataFrame:
    """Rows from bytes that somebody else made: read by Arrow, which checks them, where Polars would trust them."""
    table = pa.ipc.open_file(held).read_all()
    table.validate(full=True)
    return pl.DataFrame(table)


def _hashable(key: Any) -> Any:
    hash(key)
    return key


_UPGRADE = "Bring client and server to the same release"


def _class(name: str, *, trusted: bool) -> Any:
    """A record, model or enumeration of this package by its name."""
    module, _, kind = name.partition(":")
    place = _OURS + module
    try:
        # A client cannot make a server import anything: what a call takes is loaded with the block that takes it.
        found = importlib.import_module(place) if trusted else sys.modules[place]
        wanted = vars(found)[kind]
    except (ImportError, KeyError, ValueError):
        raise Unknown(f"this release has no record {name[:100]!r}", fix=_UPGRADE) from None
    if not isinstance(wanted, type) or wanted.__module__ != place or not _is_plain(wanted):
        raise BadInput(f"{name[:100]!r} is no record")
    return wanted


def _is_plain(kind: type) -> bool:
    if issubclass(kind, Enum | BaseModel):
        return True
    if issubclass(kind, tuple):
        return hasattr(kind, "_fields")
    told = getattr(kind, "__dataclass_params__", None)
    # One that is hashed is a value, too: not frozen where that would take too long to make.
    return told is not None and bool(told.frozen or told.unsafe_hash)


def _record(kind: Any, fields: dict[str, Any], *, trusted: bool) -> Any:
    known = set(_fields(kind))
    given = {name: item for name, item in fields.items() if name in known}
    if issubclass(kind, tuple) or (not trusted and TypeAdapter(kind).pydantic_complete):
        return _checked(kind, tuple(given.values()) if issubclass(kind, tuple) else given)
    try:
        return kind(**given)
    except TypeError:
        missing = sorted(name for name in _fields(kind, needed=True) if name not in given)
        said = f"a {kind.__name__} came without {', '.join(missing)}, which this release needs"
        raise Unknown(said, fix=_UPGRADE) from None


def _fields(kind: Any, *, needed: bool = False) -> Iterator[str]:
    if issubclass(kind, tuple):
        yield from kind._fields
        return
    for one in dataclasses.fields(kind):
        default = one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING
        if one.init and not (needed and default):
            yield one.name


def _checked(kind: Any, given: Any, *, as_json: bool = False) -> Any:
    held = adapter(kind)
    try:
        return held.validate_json(given) if as_json else held.validate_python(given)
    except ValidationError as error:
        said = said_of(error)
        raise BadInput(f"a {kind.__name__} cannot be made of what was sent: {said}") from None


@lru_cache(maxsize=512)
def adapter(kind: Any) -> TypeAdapter[Any]:
    """What holds a value against a type.

    Raises:
        BadInput: it is no type of values that travel.
    """
    try:
        whole: TypeAdapter[Any] = TypeAdapter(kind)
        if whole.pydantic_complete:
            return whole
        # It has fields of a library that is loaded late: that it is such a record is all that can be told.
        return TypeAdapter(InstanceOf[kind])
    except PydanticUserError:
        pass
    try:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:
        raise BadInput(f"a {getattr(kind, '__name__', kind)} is not taken from afar") from None


def said_of(error: ValidationError) -> str:
    """What is wrong with a value, without the value."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in problems[:3])


def _delta(held: Any) -> timedelta:
    days, seconds, us = held
    return timedelta(days=days, seconds=seconds, microseconds=us)


_Kind = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]
# In this order: a datetime is a date, too.
_KINDS: dict[type, _Kind] = {
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    timedelta: ("duration", lambda value: [value.days, value.seconds, value.microseconds], _delta),
    Decimal: ("decimal", str, Decimal),
    Profile: ("profile", Profile.to_json, Profile.from_json),
}
_BACK: dict[str, Callable[[Any], Any]] = {"int": int, **{name: read for name, _, read in _KINDS.values()}}
_ENCODERS: tuple[tuple[Any, Callable[[Any, int], Any]], ...] = (
    (Enum, lambda value, _: _marked("enum", value.value, of=_name(type(value)))),
    (int | float, _number),
    (str, lambda value, _: str(value)),
    (list, _listed),
    (tuple, _tupled),
    (AbstractSet, lambda value, depth: _marked("set", _listed(value, depth))),
    (Mapping, _mapped),
)
