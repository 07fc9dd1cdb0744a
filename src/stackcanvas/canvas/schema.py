"""The JSON Schema of canvas.yaml, for editors: completion, the questions as help, and wrong words underlined."""

from __future__ import annotations

import json
from typing import Any

from stackcanvas.canvas import paths
from stackcanvas.canvas.blocks import BLOCK_ANSWERS, PER_MODEL, QUESTION_IDS, Answers, key_of, place_of
from stackcanvas.canvas.project import VERSION, Decision, Project
from stackcanvas.canvas.questions import BLOCKS, CREDIT, QUESTIONS
from stackcanvas.canvas.shape import Shape, shape_of_model

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOTHING = {"type": "null"}


def json_schema() -> dict[str, Any]:
    """The schema (JSON Schema 2020-12) as plain data.

    Example:
        >>> schema = json_schema()
        >>> schema["properties"]["data"]["title"]
        'Data sources and data versioning'
    """
    definitions: dict[str, Any] = {}
    for model in (Answers, Project, Decision):
        made = model.model_json_schema(by_alias=True)
        definitions |= made.pop("$defs", {})
        if model is not Answers:
            definitions[model.__name__] = made
    for definition in definitions.values():
        _without_titles(definition)
    for shape in (shape_of_model(Answers), shape_of_model(Project), shape_of_model(Decision)):
        _with_defaults(definitions, shape)
    for question in QUESTIONS.values():
        described = _of_question(definitions, question.id)
        described["title"] = question.title
        described["description"] = f"{question.help} Configures: {question.configures}."
    return {
        "$schema": _DIALECT,
        "title": "The MLOps Stack Canvas that runs",
        "description": CREDIT,
        "type": "object",
        "additionalProperties": False,
        "required": ["stackcanvas", "project"],
        "properties": {
            "stackcanvas": {"const": VERSION, "description": "The version of the format."},
            "project": {"$ref": "#/$defs/Project", "description": "The header of the canvas."},
            **{key_of(block): _block(block) for block in BLOCK_ANSWERS},
            "decisions": _by_question(QUESTION_IDS, "#/$defs/Decision", "Why, by whom and when, by question."),
            "models": _named(_answers_of_model(), "Answers that differ by model: {NAME: {question: answer}}."),
            "environments": _named(
                _answers_of_environment(definitions), "Addresses, replicas and policies that differ by environment."
            ),
        },
        "$defs": definitions,
    }


def text() -> str:
    """The schema as the text of a file.

    Example:
        >>> text().startswith("{")
        True
    """
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def _block(identity: str) -> dict[str, Any]:
    block = BLOCKS[identity]
    reference = {"$ref": f"#/$defs/{BLOCK_ANSWERS[identity].__name__}"}
    return {"title": block.title, "description": block.hint, "anyOf": [reference, _NOTHING]}


def _by_question(questions: tuple[str, ...], reference: str, description: str) -> dict[str, Any]:
    properties = {question: {"anyOf": [{"$ref": reference}, _NOTHING]} for question in questions}
    return {
        "description": description,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": properties,
    }


def _named(properties: dict[str, Any], description: str) -> dict[str, Any]:
    each = {"type": ["object", "null"], "additionalProperties": False, "properties": properties}
    return {
        "description": description,
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^[^:@/]+$"},
        "additionalProperties": each,
    }


def _answers_of_model() -> dict[str, Any]:
    changeable = [question for question in QUESTION_IDS if question.partition(".")[0] in PER_MODEL]
    return {question: {"$ref": _pointer(question)} for question in changeable}


def _answers_of_environment(definitions: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for path in paths.environment_paths():
        question, keys = paths.split(path)
        if not keys:
            properties[path] = {"$ref": _pointer(question)}
            continue
        options = _of_question(definitions, question)["anyOf"]
        reference = next(option["$ref"] for option in options if "$ref" in option)
        properties[path] = {"$ref": f"{reference}/properties/{keys[0]}"}
    return properties


def _pointer(question: str) -> str:
    block = BLOCK_ANSWERS[question.partition(".")[0]].__name__
    return f"#/$defs/{block}/properties/{place_of(question)[1]}"


def _of_question(definitions: dict[str, Any], question: str) -> dict[str, Any]:
    block = BLOCK_ANSWERS[question.partition(".")[0]].__name__
    found: dict[str, Any] = definitions[block]["properties"][place_of(question)[1]]
    return found


def _with_defaults(definitions: dict[str, Any], shape: Shape) -> None:
    """Put in the defaults as they are written; pydantic gives lengths of time and sizes in a form of its own."""
    for inner in (shape.items, *shape.variants.values(), *(field.shape for field in shape.fields)):
        if inner is not None:
            _with_defaults(definitions, inner)
    properties = definitions.get(shape.model or "", {}).get("properties", {})
    for field in shape.fields:
        if field.name in properties:
            properties[field.name].pop("default", None)
            if field.default is not None:
                properties[field.name]["default"] = field.default


def _without_titles(definition: Any) -> None:
    """Remove the titles that pydantic makes of field names: they tell an editor nothing."""
    if isinstance(definition, dict):
        if isinstance(definition.get("title"), str):
            del definition["title"]
        for value in definition.values():
            _without_titles(value)
    elif isinstance(definition, list):
        for item in definition:
            _without_titles(item)
