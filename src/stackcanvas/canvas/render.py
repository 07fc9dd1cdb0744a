"""Plain values as YAML text, in the hand of the file that they are put into.

Only fragments are written here; what stands around them keeps its bytes (see `edit`). Strings are quoted whenever the
core schema of YAML 1.2, or the older rules that some readers still follow, could take them for something else.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping

from stackcanvas.canvas.syntax import resolve
from stackcanvas.errors import BadInput

_WIDTH = 100
_SAFE = re.compile(r"[^\W_](?:[\w .+/%()@=&?'-]|[,;](?= )|:(?=[\w/]))*|[.$][\w./${}-]*[\w/}]", re.UNICODE)
_UNSAFE_IN_FLOW = re.compile(r"[,;:?{}]")
# YAML 1.1 takes these for booleans and numbers; other programs may read the canvas with such a reader.
_OLD_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})
_OLD_NUMBER = re.compile(r"[-+]?[0-9][0-9_,.:]*|[-+]?0b[01_]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def inline(value: object) -> str:
    """A value on one line, as it may stand between brackets.

    Raises:
        BadInput: the value, or a part of it, is not of the kinds that YAML holds.

    Example:
        >>> print(inline({"kind": "canary", "steps": ["10%", "100%"], "note": "yes"}))
        {kind: canary, steps: [10%, 100%], note: "yes"}
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    return scalar(value, flow=True)


def block(value: object) -> list[str]:
    """A mapping or list over several lines, without indentation; a short one on one line."""
    if isinstance(value, Mapping) and value:
        lines: list[str] = []
        for key, item in value.items():
            lines += entry(str(key), item)
        return lines
    if isinstance(value, list | tuple) and value:
        lines = []
        for item in value:
            short = fits(item)
            inner = [short] if short is not None else block(item)
            lines += [f"- {inner[0]}", *(f"  {line}" if line else "" for line in inner[1:])]
        return lines
    if isinstance(value, str):
        return _text(value)
    return [inline(value)]


def entry(key: str, value: object) -> list[str]:
    r"""A key with its value, over as many lines as it needs, without indentation.

    Example:
        >>> print("\n".join(entry("owner", {"name": "Ada", "email": "ada@example.org"})))
        owner: {name: Ada, email: ada@example.org}
    """
    short = fits(value, room=_WIDTH - len(key))
    if short is not None:
        return [f"{_key(key)}: {short}"]
    inner = block(value)
    if isinstance(value, str):
        return [f"{_key(key)}: {inner[0]}", *(f"  {line}" if line else "" for line in inner[1:])]
    return [f"{_key(key)}:", *(f"  {line}" if line else "" for line in inner)]


def fits(value: object, *, room: int = _WIDTH) -> str | None:
    """The value on one line, where it reads well so: a scalar, or a short collection of scalars."""
    if isinstance(value, str):
        return scalar(value) if "\n" not in value and len(value) <= room else None
    if isinstance(value, Mapping | list | tuple):
        items = list(value.values()) if isinstance(value, Mapping) else list(value)
        if any(isinstance(item, Mapping | list | tuple) and item for item in items):
            return None
        text = inline(value)
        return text if len(text) <= room else None
    return scalar(value)


def scalar(value: object, *, flow: bool = False) -> str:
    """A single value on one line.

    Raises:
        BadInput: it is not text, a number, true, false or nothing; or a number that is not finite.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, str):
        return value if _plain(value, flow=flow) else _quoted(value)
    raise BadInput(
        f"a {type(value).__name__} cannot be written into the canvas",
        expected="text, numbers, true, false, lists and mappings",
    )


def _plain(text: str, *, flow: bool) -> bool:
    if not _SAFE.fullmatch(text) or text != text.strip() or not text.isprintable():
        return False
    if text.casefold() in _OLD_WORDS or _OLD_NUMBER.fullmatch(text) or not isinstance(resolve(text), str):
        return False
    return not (flow and _UNSAFE_IN_FLOW.search(text))


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xD800 <= code <= 0xDFFF:
        raise BadInput("the text holds half a character (a lone surrogate)", expected="text that UTF-8 can hold")
    return f"\\x{code:02x}" if code < 0x100 else (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _text(text: str) -> list[str]:
    """Text over several lines, where it can be kept exactly so."""
    lines = text.split("\n")
    ending = "" if text.endswith("\n") else "-"
    body = lines[:-1] if text.endswith("\n") else lines
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) > 1 and plain and body[0].strip() and body[-1].strip() and not body[0].startswith(" "):
        return [f"|{ending}", *body]
    if len(lines) == 1 and plain and text == text.lstrip():
        wrapped = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
        if " ".join(wrapped) == text:
            return [">-", *wrapped]
    return [_quoted(text)]


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise BadInput(f"the key {key!r} is not text", expected="text")
    # Keys are read by this program's own rules: `on` stays as people write it.
    return key if key in _OLD_WORDS else scalar(key, flow=True)
