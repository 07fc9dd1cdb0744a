"""What is asked, decoded: messages with typed fields, read from a JSON body, a query and the path."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec

from stackcanvas.rest.mlflow.errors import SEE, MlflowError, invalid, missing

Int64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A whole number as protobuf has it."""


class Message(msgspec.Struct, kw_only=True):
    """The fields of a request; those that a client adds and we do not know are left out.

    Attributes:
        needed: the names of fields that must be given and not be empty.
    """

    needed: ClassVar[tuple[str, ...]] = ()


class Nothing(Message):
    """A request that says nothing."""


class Pair(msgspec.Struct):
    """A parameter or a tag."""

    key: str = ""
    value: str = ""


M = TypeVar("M", bound=Message)


def from_body(kind: type[M], body: bytes, *, path: Mapping[str, str]) -> M:
    """A message from a JSON body and the variables of the path.

    Numbers may come as text, as they do from protobuf's JSON; bodies that some old clients encode twice are read.

    Raises:
        MlflowError: the body is no JSON, a field has another type, or one is missing.
    """
    try:
        found = msgspec.json.decode(body or b"{}", type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError):
        # What is no strict JSON (NaN as a word, encoded twice) and what says precisely what is wrong takes longer.
        found = _convert(_loads(body), kind)
    return _checked(found, path)


def from_query(kind: type[M], query: bytes, *, path: Mapping[str, str]) -> M:
    """A message from a query, whose repeated keys are lists.

    Raises:
        MlflowError: a field has another type, or one is missing.
    """
    given: dict[str, Any] = {}
    lists = _lists(kind)
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in lists:
            given.setdefault(name, []).append(value)
        else:
            given.setdefault(name, value)
    return _checked(_convert(given, kind), path)


def _checked(found: M, path: Mapping[str, str]) -> M:
    for name, value in path.items():
        setattr(found, name, value)
    for name in found.needed:
        value = getattr(found, name)
        if value is None or value == "":
            raise missing(name)
    return found


def _loads(body: bytes) -> Any:
    try:
        given = json.loads(body)
        if isinstance(given, str):
            given = json.loads(given)
        given = _without_nulls(given)
        # Half of a surrogate pair is no text that a database or an answer could hold.
        json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise MlflowError("BAD_REQUEST", "The body of the request is not JSON") from None
    if not isinstance(given, dict):
        raise MlflowError("BAD_REQUEST", "The body of the request is not a JSON object")
    return given


def _without_nulls(given: Any) -> Any:
    """What is null counts as not given."""
    if isinstance(given, dict):
        return {name: _without_nulls(value) for name, value in given.items() if value is not None}
    return [_without_nulls(value) for value in given] if isinstance(given, list) else given


def _convert(given: Any, kind: type[M]) -> M:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        name = place.rstrip("`").lstrip(".")
        value = _at(given, name)
        if value == "" and name in kind.needed:
            raise missing(name) from None
        shown = json.dumps(value, separators=(",", ":"), default=str)[:100]
        wrong = f"{said[:1].lower()}{said[1:]}. Hint: Value was of type '{type(value).__name__}'."
        raise invalid(f"Invalid value {shown} for parameter '{name}' supplied: {wrong} {SEE}") from None


def _at(given: Any, name: str) -> Any:
    """The value at a place such as `metrics[3].value`."""
    for part in name.replace("]", "").replace("[", ".").split("."):
        try:
            given = given[int(part)] if isinstance(given, list) else given[part]
        except (KeyError, ValueError, IndexError, TypeError):
            return given
    return given


_LISTS: dict[type, frozenset[str]] = {}


def _lists(kind: type[Message]) -> frozenset[str]:
    """The names of the fields that are lists."""
    if kind not in _LISTS:
        hints = get_type_hints(kind)
        _LISTS[kind] = frozenset(name for name in kind.__struct_fields__ if _is_list(hints[name]))
    return _LISTS[kind]


def _is_list(hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_is_list(one) for one in get_args(hint))
    return get_origin(hint) is list
