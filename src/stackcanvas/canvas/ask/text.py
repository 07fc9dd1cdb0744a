"""What people type as plain values, and plain values as people type them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from typing import Any

from stackcanvas.canvas.shape import Shape, listed
from stackcanvas.canvas.syntax import resolve
from stackcanvas.canvas.urls import mask

_YES = {"yes", "y", "true"}
_NO = {"no", "n", "false"}
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_NUMBERS = {"whole number", "number", "money"}


def is_leaf(shape: Shape) -> bool:
    """Whether a value is typed as one line: a scalar, or a list of scalars."""
    if shape.kind == "names":
        return True
    if shape.kind == "list":
        return shape.items is None or is_leaf(shape.items)
    return not shape.fields and not shape.variants


def read_text(shape: Shape, text: str) -> Any:
    """What a line means; a line that means nothing of this kind is given back, to be told by the checks.

    Example:
        >>> from stackcanvas.canvas.shape import shape_of
        >>> from typing import Literal
        >>> read_text(shape_of(Literal["optional", "mandatory"]), "2"), read_text(shape_of(tuple[str, ...]), "a, b")
        ('mandatory', ['a', 'b'])
    """
    text = text.strip()
    if shape.kind == "list" and shape.items is not None:
        return [read_text(shape.items, part) for part in _parts(text)]
    if shape.kind == "names":
        return {key.strip(): resolve(value.strip()) for key, value in map(_pair, _parts(text))}
    if shape.choices:
        return _choice(shape.choices, text)
    if shape.kind == "yes or no":
        word = text.lower()
        return True if word in _YES else False if word in _NO else text
    if shape.kind in _NUMBERS:
        number = resolve(text)
        return number if isinstance(number, int | float) and not isinstance(number, bool) else text
    return resolve(text) if shape.kind == "value" else text


def show_text(shape: Shape, plain: Any) -> str:
    """A plain value as a line that `read_text` reads back."""
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "yes" if plain and shape.kind == "yes or no" else "no" if shape.kind == "yes or no" else listed([plain])
    if isinstance(plain, list | tuple):
        return ", ".join(_quoted(show_text(shape.items or shape, one)) for one in plain)
    if isinstance(plain, dict):
        return ", ".join(_quoted(f"{key}: {listed([value])}") for key, value in plain.items())
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() and abs(plain) < 1e15 else str(plain)


def masked(shape: Shape, plain: Any) -> Any:
    """A plain value in which no address shows its password.

    Example:
        >>> from stackcanvas.canvas.paths import shape_of_question
        >>> masked(shape_of_question("metadata.store"), {"url": "postgresql://a:geheim@db/x"})
        {'url': 'postgresql://a:***@db/x'}
    """
    return _over_addresses(shape, plain, None, lambda text, _old: _shown(text))


def unmasked(shape: Shape, plain: Any, *, before: Any) -> Any:
    """A plain value with the passwords that stood there before, where an address was left as it was shown."""
    return _over_addresses(
        shape, plain, before, lambda text, old: old if isinstance(old, str) and text == _shown(old) else text
    )


def _shown(text: str) -> str:
    """An address as it may be shown: a password that the environment gives is none here."""
    without = mask(text)
    return text if _VARIABLE.sub("***", text) == without else without


def _over_addresses(shape: Shape, plain: Any, before: Any, change: Callable[[str, Any], Any]) -> Any:
    """A copy of a plain value with its addresses changed; each is given with what stood there before."""
    if isinstance(plain, str):
        return change(plain, before) if shape.kind == "address" else plain
    if isinstance(plain, list | tuple) and shape.items is not None:
        old = list(before) if isinstance(before, list | tuple) else []
        old += [None] * len(plain)
        return [_over_addresses(shape.items, one, was, change) for one, was in zip(plain, old, strict=False)]
    if not isinstance(plain, Mapping):
        return plain
    inner = shape.variants.get(str(plain.get(shape.tag or "")), shape)
    was = before if isinstance(before, Mapping) else {}
    changed = {}
    for key, value in plain.items():
        part = inner.field_named(key)
        changed[key] = _over_addresses(part.shape, value, was.get(key), change) if part is not None else value
    return changed


def _parts(text: str) -> list[str]:
    """What stands between commas; a part between quotes may hold one."""
    if not text:
        return []
    row = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    return [part.strip() for part in row if part.strip()]


def _pair(part: str) -> tuple[str, str]:
    mark = "=" if "=" in part and ":" not in part.partition("=")[0] else ":"
    key, _, value = part.partition(mark)
    return key, value


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or text.startswith('"') else text


def _choice(choices: tuple[Any, ...], text: str) -> Any:
    words = [str(choice) for choice in choices]
    if text.lower() in words:
        return choices[words.index(text.lower())]
    counted = not any(isinstance(choice, int) for choice in choices)
    if counted and text.isdecimal() and 1 <= int(text) <= len(choices):
        return choices[int(text) - 1]
    beginning = [choice for choice, word in zip(choices, words, strict=True) if text and word.startswith(text.lower())]
    return beginning[0] if len(beginning) == 1 else text
