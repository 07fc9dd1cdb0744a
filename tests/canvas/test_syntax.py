"""YAML 1.2, core schema, with places; hostile text gives a sentence, never a crash."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stackcanvas.canvas.syntax import Node, read, resolve
from stackcanvas.errors import BadInput


def plain(text: str) -> Any:
    """A text read, without any problem."""
    problems: list[BadInput] = []
    root = read(text, label="canvas.yaml", problems=problems)
    assert root is not None
    assert problems == []
    return root.plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("+12", 12),
        ("-.inf", -math.inf),
        ("2026-11-23", "2026-11-23"),
        ("12:30", "12:30"),
        ("0b1", "0b1"),
        ("<<", "<<"),
        ("=", "="),
        ("٣", "٣"),
        ("10%", "10%"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    """Not YAML 1.1, where `on` is true and 012 is ten."""
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)
    assert plain(f"key: {text}\n") == {"key": value}


@pytest.mark.parametrize("text", ["on", "yes", "012", "1e3", "0o14", "0x1F", "~", "true", "text", "-1.5"])
def test_another_reader_of_yaml_1_2_agrees(text: str) -> None:
    """What editors and other tools read is what is read here."""
    other = YAML(typ="safe", pure=True).load(f"key: {text}\n")

    assert plain(f"key: {text}\n") == other


def test_every_node_knows_its_place() -> None:
    """Offsets cut the text where the value stands; lines and columns count from one, in characters."""
    text = "é: 'ü'  # one\nb: [1, {c: d}]\nl:\n  - a: |\n      x\n\n  # not x\nz: end\n"
    root = read(text, label="x", problems=[])
    assert root is not None

    def cut(node: Node) -> str:
        return text[node.start : node.end]

    assert cut(root.value["é"].node) == "'ü'"
    assert cut(root.value["b"].node) == "[1, {c: d}]"
    assert cut(root.value["b"].node.value[1].value["c"].node) == "d"
    assert cut(root.value["l"].node) == "- a: |\n      x"
    assert (root.value["z"].node.line, root.value["z"].node.column) == (8, 4)


def test_anchors_and_aliases_are_read() -> None:
    """An alias stands for what it refers to, and has a place of its own."""
    text = "a: &x {b: 1}\nc: *x\n"
    root = read(text, label="x", problems=[])
    assert root is not None

    assert root.plain() == {"a": {"b": 1}, "c": {"b": 1}}
    assert (root.value["c"].node.line, root.value["c"].node.column) == (2, 4)


def test_known_tags_give_a_type() -> None:
    """The tags of the core schema are allowed where they fit."""
    assert plain("a: !!str 12\nb: !!int '3'\nc: !!float 1\nd: !!map {}\n") == {"a": "12", "b": 3, "c": 1, "d": {}}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\na: 2\n", "x:2:1", "a second time"),
        ("1: 2\n", "x:1:1", "key 1 is not text"),
        ("? [a]\n: b\n", "x:1:3", "key is not text"),
        ("a: !!python/object:os.system {}\n", "x:1:4", "tag"),
        ("a: !own 1\n", "x:1:4", "tag"),
        ("a: !!int x\n", "x:1:4", "tag"),
    ],
)
def test_problems_that_do_not_stop_the_reading(text: str, where: str, what: str) -> None:
    """They are gathered with their places."""
    problems: list[BadInput] = []
    read(text, label="x", problems=problems)

    assert [problem.where for problem in problems] == [where]
    assert what in problems[0].what


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a:\n\tb: 1\n", "x:2:1", "a tab"),
        ("a: {b: 1\nc: 2\n", "x:2:2", "not YAML"),
        ('a: "b\n', "x:2:1", "not YAML"),
        ("a: b: c\n", "x:1:5", "not YAML"),
        ("a: b\n c: d\n", "x:2:3", "not YAML"),
        ("a: *b\n", "x:1:4", "refers to nothing"),
        ("a: &b [*b]\n", "x:1:8", "inside what it refers to"),
        ("a: 1\n---\nb: 2\n", "x:2:1", "second document"),
        ("%YAML 1.1\n---\na: 1\n", "x:1:1", "version of YAML"),
        ("a: b\x00\n", "x:1:5", "cannot stand"),
        ("a: é\x07\n", "x:1:5", "cannot stand"),
        ("a: \ud800\n", "x:1:4", "surrogate"),
        ("[" * 100_000, "x:1:51", "deep"),
        ("{a: " * 100_000, "x:1:201", "deep"),
        ("- " * 100_000, "x:1:101", "deep"),
        (BOMB, "x:5:40", "unfolds"),
        ("a" * 1_100_000, "x", "larger"),
    ],
)
def test_text_that_is_no_canvas_gives_one_clear_error(text: str, where: str, what: str) -> None:
    """Broken, deep, large or unfolding text is refused at its place, at once."""
    with pytest.raises(BadInput) as refused:
        read(text, label="x", problems=[])

    assert what in refused.value.what
    assert refused.value.where == where


@given(st.text(alphabet=st.sampled_from(list("ab:-# \n\t[]{},&*!|>'\"%@`?1.~")), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way; what is read has places inside the text."""
    problems: list[BadInput] = []
    try:
        root = read(text, label="x", problems=problems)
    except BadInput as error:
        problems.append(error)
        root = None
    assert all(problem.where and problem.what for problem in problems)
    assert root is None or 0 <= root.start <= root.end <= len(text)
