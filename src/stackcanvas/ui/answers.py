"""Answers as people read them: whole as plain data, short as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# The key that says what the rest of a mapping is about stands alone, without its name.
_LEADING = (
    "name",
    "kind",
    "by",
    "mode",
    "where",
    "choice",
    "needed",
    "tool",
    "block",
    "pipeline",
    "metric",
    "requirement",
)
_UPPER = {"ml": "ML", "ci": "CI", "cd": "CD", "apis": "APIs", "kpi": "KPI"}
_LONGEST = 240


def label(key: str) -> str:
    """A question's key as a short heading.

    Example:
        >>> label("ml_metrics"), label("version_method")
        ('ML metrics', 'Version method')
    """
    words = [_UPPER.get(word, word) for word in key.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def short(answer: object) -> str:
    """An answer as one line.

    Example:
        >>> short({"kind": "canary", "steps": ["10%", "100%"], "every": "12h"})
        'canary, steps 10% 100%, every 12h'
        >>> short([{"name": "flights", "kind": "public"}, {"name": "weather", "kind": "public"}])
        'flights; weather'
        >>> short(False)
        'no'
    """
    line = " ".join(_line(answer).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _line(answer: object) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, Mapping):
        return _mapping(answer)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        if any(isinstance(item, Mapping) for item in answer):
            return "; ".join(_head(item) for item in answer)
        return ", ".join(_line(item) for item in answer)
    return "" if answer is None else str(answer)


def _mapping(answer: Mapping[str, object]) -> str:
    parts = []
    for key, value in answer.items():
        said = _line(value)
        if isinstance(value, Sequence) and not isinstance(value, str):
            said = said.replace(", ", " ")
        if not said:
            continue
        alone = key in _LEADING and not isinstance(value, bool)
        parts.append(said if alone or (key == "needed") else f"{key.replace('_', ' ')} {said}")
    return ", ".join(parts)


def _head(item: object) -> str:
    """What a member of a list is called."""
    if isinstance(item, Mapping):
        named = next((item[key] for key in _LEADING if key in item), None)
        return _line(named) if named is not None else _mapping(item)
    return _line(item)


def statement(positioning: Mapping[str, object]) -> str:
    """The positioning in Geoffrey Moore's form, as far as its parts are given.

    Example:
        >>> statement({"for": "passengers", "who": "have a connection", "product": "Early", "category": "warning"})
        'For passengers who have a connection, Early is a warning.'
    """
    given = {key: str(value).strip().rstrip(".") for key, value in positioning.items() if value}
    whom = " ".join(part for part in (_with("for", given), _with("who", given)) if part)
    article = "an" if given.get("category", "")[:1].lower() in "aeiou" else "a"
    what = " is ".join(
        part
        for part in (given.get("product"), f"{article} {given['category']}" if "category" in given else None)
        if part
    )
    first = ", ".join(part for part in (whom, what) if part)
    benefit = given.get("benefit", "")
    sentences = [first, benefit[:1].upper() + benefit[1:]]
    return " ".join(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences if sentence)


def _with(word: str, given: Mapping[str, str]) -> str:
    text = given.get(word, "")
    return "" if not text else text if text.lower().startswith(f"{word} ") else f"{word} {text}"
