"""From what pydantic finds to sentences: what is wrong, what was expected, and the nearest word that would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from stackcanvas.canvas.shape import Shape, at, listed
from stackcanvas.errors import BadInput, nearest

Location = tuple[str | int, ...]
Place = Callable[[Location, bool], str]
"""Where a part stands, as `canvas.yaml:LINE:COLUMN`; with True, where its key stands."""

_LONGEST = 60
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
    "too_short": ("min_length", "at least"),
    "string_too_long": ("max_length", "at most"),
}


def sentences(error: ValidationError, *, shape: Shape, place: Place) -> list[BadInput]:
    """One error for each thing that pydantic found.

    Args:
        error: what was found.
        shape: of the whole that was validated.
        place: where each part stands.
    """
    return [told for _, told in located(error, shape=shape, place=place)]


def located(error: ValidationError, *, shape: Shape, place: Place) -> list[tuple[Location, BadInput]]:
    """What pydantic found, by the location of each part; names of variants are among its keys.

    Args:
        error: what was found.
        shape: of the whole that was validated.
        place: where each part stands.
    """
    found = error.errors(include_url=False, include_context=True, include_input=True)
    return [(tuple(one["loc"]), _sentence(one, shape=shape, place=place)) for one in found if not _only_follows(one)]


def _only_follows(one: Mapping[str, Any]) -> bool:
    """A list that is too short only because its wrong entries were left out."""
    least = one.get("ctx", {}).get("min_length", 0)
    return one["type"] == "too_short" and isinstance(one["input"], tuple | list) and len(one["input"]) >= least


def _sentence(one: Mapping[str, Any], *, shape: Shape, place: Place) -> BadInput:
    location: Location = tuple(one["loc"])
    here = at(shape, location)
    if one["type"] == "extra_forbidden":
        return unknown_key(str(location[-1]), known=_keys(at(shape, location[:-1])), where=place(location, True))
    if one["type"] == "missing":
        where = place(location[:-1], False)
        wanted = here.expected if here else "a value"
        return BadInput(f"{location[-1]} is missing", where=where, expected=f"{location[-1]}: {wanted}")
    if here is not None and here.tag is not None and one["type"].startswith("union_tag"):
        return _variant(one, shape=here, place=place)
    return _value(one, shape=here, where=place(location, False))


def _variant(one: Mapping[str, Any], *, shape: Shape, place: Place) -> BadInput:
    """A mapping whose tag is missing or says something unknown."""
    location: Location = tuple(one["loc"])
    tag = shape.tag or "kind"
    said = one["input"].get(tag) if isinstance(one["input"], Mapping) else None
    if said is None:
        expected = f"{tag}: one of {listed(shape.variants)}"
        return BadInput(f"{tag} is missing", where=place(location, False), expected=expected)
    where = place((*location, tag), False)
    if not isinstance(said, str):
        return BadInput(f"{_name(said)} stands here", where=where, expected=f"one of {listed(shape.variants)}")
    return unknown_word(said, known=shape.variants, where=where)


def _value(one: Mapping[str, Any], *, shape: Shape | None, where: str) -> BadInput:
    """A value of the wrong type, or outside what its type allows."""
    kind, value, context = one["type"], one["input"], one.get("ctx", {})
    if kind == "bad_input":
        return BadInput(context["what"], where=where, expected=context.get("expected"), fix=context.get("fix"))
    if kind == "literal_error" and shape is not None and isinstance(value, str | int | float):
        return unknown_word(value, known=shape.choices, where=where)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        unit = {"too_short": " entry", "string_too_long": " characters"}.get(kind, "")
        return BadInput(_too_much(kind, value), where=where, expected=f"{words} {context.get(key)}{unit}")
    if kind.startswith("decimal_"):
        return BadInput("the amount has too many digits", where=where, expected="at most 15 digits, 6 after the point")
    if kind == "finite_number":
        return BadInput("the number is not finite", where=where, expected=shape.expected if shape else None)
    return wrong_type(value, shape=shape, where=where)


def unknown_key(key: str, *, known: Sequence[str], where: str) -> BadInput:
    """A key that nobody reads."""
    near = nearest(key, known)
    return BadInput(
        f"the key {_shown(key)} is unknown",
        where=where,
        expected=f"{'one of ' if len(known) > 1 else ''}{', '.join(known)}" if known else None,
        fix=f"Perhaps you meant {near}" if near else None,
    )


def unknown_word(word: object, *, known: Any, where: str) -> BadInput:
    """A value that is not among those there are."""
    near = nearest(str(word), [str(one) for one in known])
    return BadInput(
        f"{_shown(word)} is not one of the answers",
        where=where,
        expected=f"one of {listed(known)}",
        fix=f"Perhaps you meant {near}" if near else None,
    )


def wrong_type(value: object, *, shape: Shape | None, where: str) -> BadInput:
    """A value of another type; an address is never shown."""
    expected = shape.expected if shape else None
    fix = None
    if shape is not None and shape.kind == "yes or no" and isinstance(value, str):
        fix = {"yes": "Write true", "on": "Write true", "no": "Write false", "off": "Write false"}.get(value.lower())
    if shape is not None and shape.kind == "list" and not isinstance(value, Mapping | None):
        fix = "Put [ ] around it"
    return BadInput(f"{_name(value)} stands here", where=where, expected=expected, fix=fix)


def wrong_value(value: object, *, where: str, expected: str) -> BadInput:
    """A value that cannot stand where it does, whatever its answer would be."""
    return BadInput(f"{_name(value)} stands here", where=where, expected=expected)


def _keys(shape: Shape | None) -> tuple[str, ...]:
    return shape.names() if shape else ()


def _too_much(kind: str, value: object) -> str:
    if kind == "too_short":
        return "the list is too short"
    if kind == "string_too_long":
        return "the text is too long"
    return f"{_shown(value)} is out of range"


def _name(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {_shown(value)}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else "text"


def _shown(value: object) -> str:
    text = str(value)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return repr(text) if isinstance(value, str) else text
