"""The JSON Schema that editors use agrees with what is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.canvas import QUESTION_IDS, QUESTIONS
from stackcanvas.canvas.schema import json_schema, text
from stackcanvas.canvas.syntax import read

SCHEMA = json_schema()
HEAD = {"stackcanvas": 1, "project": {"name": "x"}}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_SILENT = {"title", "description", "default", "format", "discriminator", "$defs", "$schema", "examples", "deprecated"}


def problems(schema: dict[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """What a validator of JSON Schema finds, for the words that this schema uses; any other word is an error."""
    for word, rule in schema.items():
        if word not in _SILENT:
            yield from _RULES[word](schema, rule, value, at)


def _any_of(_: dict[str, Any], rule: list[dict[str, Any]], value: Any, at: str) -> Iterator[str]:
    if not any(not list(problems(one, value, at)) for one in rule):
        yield f"{at}: none of the forms fits"


def _reference(_: dict[str, Any], rule: str, value: Any, at: str) -> Iterator[str]:
    here: Any = SCHEMA
    for part in rule.removeprefix("#/").split("/"):
        here = here[part]
    yield from problems(here, value, at)


def _type(_: dict[str, Any], rule: str | list[str], value: Any, at: str) -> Iterator[str]:
    names = [rule] if isinstance(rule, str) else rule
    fits = any(isinstance(value, _TYPES[name]) for name in names)
    if not fits or (isinstance(value, bool) and "boolean" not in names):
        yield f"{at}: not of type {rule}"


def _properties(_: dict[str, Any], rule: dict[str, Any], value: Any, at: str) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        if key in rule:
            yield from problems(rule[key], value[key], f"{at}/{key}")


def _additional(schema: dict[str, Any], rule: Any, value: Any, at: str) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        if key not in schema.get("properties", {}):
            if rule is False:
                yield f"{at}/{key}: unknown"
            elif isinstance(rule, dict):
                yield from problems(rule, value[key], f"{at}/{key}")


def _items(_: dict[str, Any], rule: dict[str, Any], value: Any, at: str) -> Iterator[str]:
    for place, item in enumerate(value if isinstance(value, list) else ()):
        yield from problems(rule, item, f"{at}/{place}")


def _names(_: dict[str, Any], rule: dict[str, Any], value: Any, at: str) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        yield from problems(rule, key, f"{at}/{key}")


def _judge(kind: type | tuple[type, ...], fits: Callable[[Any, Any], bool]) -> Callable[..., Iterator[str]]:
    def check(_: dict[str, Any], rule: Any, value: Any, at: str) -> Iterator[str]:
        if isinstance(value, kind) and not isinstance(value, bool) and not fits(rule, value):
            yield f"{at}: outside {rule}"

    return check


_RULES: dict[str, Callable[..., Iterator[str]]] = {
    "anyOf": _any_of,
    "oneOf": _any_of,
    "$ref": _reference,
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "propertyNames": _names,
    "const": lambda _, rule, value, at: iter(() if value == rule else (f"{at}: not {rule}",)),
    "enum": lambda _, rule, value, at: iter(() if value in rule else (f"{at}: not in {rule}",)),
    "required": _judge(dict, lambda rule, value: not set(rule) - value.keys()),
    "pattern": _judge(str, lambda rule, value: re.search(rule, value) is not None),
    "minLength": _judge(str, lambda rule, value: len(value) >= rule),
    "maxLength": _judge(str, lambda rule, value: len(value) <= rule),
    "minItems": _judge(list, lambda rule, value: len(value) >= rule),
    "minimum": _judge((int, float), lambda rule, value: value >= rule),
    "maximum": _judge((int, float), lambda rule, value: value <= rule),
    "exclusiveMinimum": _judge((int, float), lambda rule, value: value > rule),
}


def as_json(value: Any) -> Any:
    """A document as JSON holds it."""
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("example", ["flights", "minimal"])
def test_the_examples_are_valid(example: str) -> None:
    """An editor underlines nothing in them."""
    document = files("stackcanvas.examples") / example / "canvas.yaml"
    root = read(document.read_text(encoding="utf-8"), label="x", problems=[])
    assert root is not None

    assert list(problems(SCHEMA, as_json(root.plain()))) == []


@settings(max_examples=200, deadline=None)
@given(question=st.sampled_from(QUESTION_IDS), data=st.data())
def test_what_is_read_is_valid_for_an_editor(
    answering: Callable[[str], st.SearchStrategy[Any]], question: str, data: st.DataObject
) -> None:
    """No answer that the stack accepts is underlined."""
    block, key = ("dilemmas" if question.startswith("dilemma") else question.partition(".")[0]), QUESTIONS[question].key
    answer = data.draw(answering(question))

    assert list(problems(SCHEMA, as_json({**HEAD, block: {key: answer}}))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"stackcanvas": 2, "project": {"name": "x"}},
        {"stackcanvas": 1},
        {**HEAD, "valeu": {}},
        {**HEAD, "data": {"versioning": "x"}},
        {**HEAD, "data": {"versionning": "optional"}},
        {**HEAD, "data": {"version_method": {"level": 4}}},
        {**HEAD, "deployment": {"lead_time": "2 h"}},
        {**HEAD, "deployment": {"strategy": {"kind": "canary", "steps": ["x"]}}},
        {**HEAD, "metadata": {"store": {"url": "mysql://x"}}},
        {**HEAD, "serving": {"distributed": {"needed": True, "replicas": 0}}},
        {**HEAD, "models": {"a": {"data.versioning": "optional"}}},
        {**HEAD, "models": {"a:b": {}}},
        {**HEAD, "environments": {"a": {"metadata.store.url": "mysql://x"}}},
        {**HEAD, "environments": {"a": {"value.goal": "x"}}},
        {**HEAD, "decisions": {"data.versioning": {"status": "closed"}}},
    ],
)
def test_what_is_wrong_is_underlined(wrong: dict[str, Any]) -> None:
    """The editor finds what the reader would."""
    assert list(problems(SCHEMA, wrong))


def test_questions_are_the_help_in_the_editor() -> None:
    """Title and help of each question stand at its key, also where a model answers it."""
    properties = SCHEMA["$defs"]["Deployment"]["properties"]["strategy"]

    assert properties["title"] == QUESTIONS["deployment.strategy"].title
    assert QUESTIONS["deployment.strategy"].help in properties["description"]
    model = SCHEMA["properties"]["models"]["additionalProperties"]["properties"]
    assert model["deployment.strategy"] == {"$ref": "#/$defs/Deployment/properties/strategy"}


def test_the_text_is_the_schema() -> None:
    """One JSON document with its dialect."""
    assert json.loads(text()) == SCHEMA
    assert SCHEMA["$schema"].endswith("2020-12/schema")
