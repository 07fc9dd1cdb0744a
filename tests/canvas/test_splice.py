"""One place of a document changes; everything else keeps its bytes."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import render, splice
from stackcanvas.canvas.syntax import read

KEYS = st.sampled_from(["a", "b.c", "long key", "on", "12x", "ü"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(0, 99), st.sampled_from(["x", "1", "a: b", "one\ntwo\n", "w " * 70 + "w", ""])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=8
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=4)


def plain(text: str) -> Any:
    """A document read."""
    root = read(text, label="x", problems=[])
    return root.plain() if root else None


def frozen(value: Any) -> Any:
    """With tuples for lists, as a document is read."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def written(document: dict[str, Any], seed: int) -> str:
    """A document in block style, with remarks before and behind its entries."""
    chance = random.Random(seed)
    lines: list[str] = []
    for key, value in document.items():
        entry = render.entry(key, value)
        if chance.random() < 0.5:
            lines.append(f"# before {key}")
        if len(entry) == 1 and chance.random() < 0.5:
            entry[0] += f"  # behind {key}"
        lines += entry
        if chance.random() < 0.3:
            lines.append("")
    return "\n".join([*lines, "# end"]) + "\n"


def remarks(text: str) -> list[str]:
    """The remarks between entries."""
    return [line for line in text.splitlines() if line.startswith("#")]


@settings(max_examples=300, deadline=None)
@given(document=DOCUMENTS, key=KEYS, inner=st.none() | KEYS, value=VALUES, seed=st.integers(0, 99))
def test_put_is_what_a_dictionary_does(
    document: dict[str, Any], key: str, inner: str | None, value: Any, seed: int
) -> None:
    """In any document, at the root or one level down; remarks between entries stay."""
    text = written(document, seed)
    keys = (key,) if inner is None else (key, inner)

    changed = splice.put(text, keys, value)

    expected = frozen(document)
    if inner is None:
        expected[key] = frozen(value)
    else:
        base = expected.get(key)
        expected[key] = {**(base if isinstance(base, dict) else {}), inner: frozen(value)}
    assert plain(changed) == expected
    assert remarks(changed) == remarks(text)
    assert splice.put(changed, keys, value) == changed


@settings(max_examples=300, deadline=None)
@given(document=DOCUMENTS, data=st.data(), seed=st.integers(0, 99))
def test_drop_is_what_a_dictionary_does(document: dict[str, Any], data: st.DataObject, seed: int) -> None:
    """A key goes with its value, its remarks between entries stay."""
    document = {**document, "kept": 1}
    text = written(document, seed)
    key = data.draw(st.sampled_from(sorted(set(document) - {"kept"}) or ["none"]))

    changed = splice.drop(text, (key,))

    assert plain(changed) == {name: item for name, item in frozen(document).items() if name != key}
    assert remarks(changed) == remarks(text)
