"""Canvases to begin with, and random answers to every question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTIONS, paths, units, urls
from stackcanvas.canvas.shape import Shape

FLIGHTS = files("stackcanvas.examples") / "flights" / "canvas.yaml"


@pytest.fixture(scope="session")
def flights() -> str:
    """The text of the full example."""
    return FLIGHTS.read_text(encoding="utf-8")


_TEXT = st.text(
    st.one_of(st.sampled_from(list("aZ09 _-:#,.'\"\\{}[]&*!|>%@`~?\n\t")), st.characters(codec="utf-8")), max_size=40
)
_NAMES = st.sampled_from(
    ["auc", "late flights", "on", "yes", "012", "1e3", "null", "~", "a#b", "Ångström", "a, b", "-x", "%"]
)
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "name": _NAMES,
    "yes or no": st.booleans(),
    "whole number": st.integers(0, 10**6),
    "number": st.one_of(st.integers(0, 100), st.floats(0, 1)),
    "money": st.one_of(st.integers(-1000, 1000), st.sampled_from([12.5, -0.01, 0.1])),
    "day": st.dates().map(lambda day: day.isoformat()),
    "schedule": st.sampled_from(["0 3 * * 1", "*/5 * * * *"]),
    "event": st.sampled_from(["data.committed", "drift.found deployment:delay", "external.market: closed"]),
    "e-mail": st.sampled_from(["ada@example.org"]),
    "length of time": st.integers(0, 10**6).map(lambda seconds: units.format_duration(timedelta(seconds=seconds))),
    "size": st.integers(0, 10**15).map(units.format_size),
    "percentage": st.floats(0, 1).map(units.format_share),
    "value": st.one_of(st.booleans(), st.integers(-9, 9), st.sampled_from(["no", "EWR", "1"])),
}


Answering = Callable[[str], st.SearchStrategy[Any]]


@pytest.fixture(scope="session")
def answering() -> Answering:
    """Gives random valid answers to a question."""
    return plain_answers


@cache
def plain_answers(question: str) -> st.SearchStrategy[Any]:
    """Valid answers to a question as YAML holds them; its example where chance makes no valid one."""
    example = QUESTIONS[question].example

    def valid(value: Any) -> Any:
        return value if paths.errors_of(question, frozen(value)) is None else example

    return _of(QUESTIONS[question].shape).map(valid)


def frozen(value: Any) -> Any:
    """With tuples for lists, as a document is read."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def _of(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.choices:
        return st.sampled_from(shape.choices)
    if shape.role is not None:
        more = "folder" if "file" in urls.ROLES[shape.role] else urls.EXAMPLES[shape.role]
        return st.sampled_from([urls.EXAMPLES[shape.role], "${NAME}", more])
    return _KINDS[shape.kind] if shape.kind in _KINDS else _collection(shape)


def _collection(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.variants:
        return st.one_of([_of(variant) for variant in shape.variants.values()])
    if shape.items:
        each = _of(shape.items)
        return st.lists(each, max_size=3) if shape.kind == "list" else st.dictionaries(_NAMES, each, max_size=2)
    needed = {one.name: _of(one.shape) for one in shape.fields if one.required}
    return st.fixed_dictionaries(
        needed, optional={one.name: _of(one.shape) for one in shape.fields if not one.required}
    )
