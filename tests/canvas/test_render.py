"""Plain values become YAML that reads well and reads back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.canvas import render
from stackcanvas.canvas.syntax import read
from stackcanvas.errors import BadInput

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(
        ["on", "012", "1_0", "0b1", "12:30", "a: b", "a #b", "- a", "? a", "[a", "a\n", "\na", " a", "a\n b\n"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=3),
    ),
    max_leaves=12,
)


def read_back(text: str) -> Any:
    """A document read, without any problem."""
    problems: list[BadInput] = []
    root = read(text, label="x", problems=problems)
    assert root is not None
    assert problems == []
    return root.plain()


def frozen(value: Any) -> Any:
    """With tuples for lists, as a document is read."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


@given(VALUES)
def test_what_is_written_reads_back(value: Any) -> None:
    """On one line and over several, at the root and under a key, with its exact type."""
    for text in (f"k: {render.inline(value)}\n", "\n".join(render.entry("k", value)) + "\n"):
        back = read_back(text)["k"]
        assert repr(back) == repr(frozen(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("7d", "7d"),
        ("10%", "10%"),
        ("2026-11-23", "2026-11-23"),
        ("yes", '"yes"'),
        ("012", '"012"'),
        ("${NAME}", "${NAME}"),
        ("s3://bucket/x", "s3://bucket/x"),
        ("a: b", '"a: b"'),
        ("", '""'),
        (1.0, "1.0"),
        (None, "null"),
    ],
)
def test_scalars_are_quoted_only_where_they_must_be(value: object, text: str) -> None:
    """Plain where every reader agrees."""
    assert render.scalar(value) == text


def test_long_text_is_folded_and_lines_are_kept() -> None:
    """As people write paragraphs."""
    long = " ".join(["word"] * 60)

    assert render.entry("why", long)[0] == "why: >-"
    assert max(map(len, render.entry("why", long))) <= 110
    assert render.entry("why", "one\ntwo\n") == ["why: |", "  one", "  two"]
