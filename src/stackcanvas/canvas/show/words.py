"""Answers as people read them: whole as plain data, short as a line."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.plain import one_line

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
    """An answer as one line that a cell of the canvas can hold.

    Example:
        >>> short({"mode": "online", "pattern": "service"})
        'online, pattern service'
    """
    line = one_line(answer)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


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
