"""Paths name a question or a part of its answer: `data.storage`, `data.storage.objects`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from stackcanvas.canvas.blocks import BLOCK_ANSWERS, DEFAULTS, QUESTION_IDS, Answers, place_of
from stackcanvas.canvas.places import node_at
from stackcanvas.canvas.shape import Field, Shape, shape_of_model
from stackcanvas.canvas.syntax import Node
from stackcanvas.errors import NotFound

_KNOWN = frozenset(QUESTION_IDS)


def split(path: str) -> tuple[str, tuple[str, ...]]:
    """The question of a path, and the keys within its answer.

    Raises:
        NotFound: no such question.

    Example:
        >>> split("features.databases.online")
        ('features.databases', ('online',))
    """
    parts = path.split(".")
    question = ".".join(parts[:2])
    if question not in _KNOWN:
        raise NotFound("question", question, known=QUESTION_IDS, fix="`stackcanvas canvas show` lists them")
    return question, tuple(parts[2:])


def question_field(question: str) -> Field:
    """The field that holds the answer of a question.

    Raises:
        NotFound: no such question.
    """
    block, field = place_of(split(question)[0])
    whole = shape_of_model(Answers).field_named(block)
    found = whole.shape.field_named(field) if whole else None
    if found is None:
        raise NotFound("question", question, known=QUESTION_IDS)
    return found


def shape_of_question(question: str) -> Shape:
    """What the answer of a question looks like.

    Raises:
        NotFound: no such question.

    Example:
        >>> shape_of_question("data.versioning").choices
        ('optional', 'mandatory')
    """
    return question_field(question).shape


@cache
def environment_paths() -> tuple[str, ...]:
    """What `environments` may change: addresses, replicas and policies.

    Example:
        >>> "metadata.store.url" in environment_paths(), "value.goal" in environment_paths()
        (True, False)
    """
    paths: list[str] = []
    for question in QUESTION_IDS:
        field = question_field(question)
        if field.environment:
            paths.append(question)
        paths += [f"{question}.{part.name}" for part in field.shape.fields if part.environment]
    return tuple(paths)


def read_answer(question: str, plain: object) -> Any:
    """The typed answer of a question.

    Raises:
        ValidationError: it is not such an answer; locations begin with the block and the question.
    """
    block, field = place_of(question)
    answers = Answers.model_validate({block: {field: plain}})
    return getattr(getattr(answers, block), field)


def errors_of(question: str, plain: object) -> ValidationError | None:
    """What is wrong with an answer, or None."""
    try:
        read_answer(question, plain)
    except ValidationError as error:
        return error
    return None


@cache
def default_of(question: str) -> Any:
    """What the stack takes where the question is not answered; None where nothing follows from it."""
    return read_answer(question, DEFAULTS[question]) if question in DEFAULTS else None


def to_plain(question: str, answer: Any) -> Any:
    """A typed answer as JSON and YAML hold it; passwords in addresses are masked, what was left out stays out.

    Example:
        >>> to_plain("deployment.lead_time", read_answer("deployment.lead_time", "36h"))
        '36h'
    """
    block, field = place_of(question)
    holder = BLOCK_ANSWERS[question.partition(".")[0]].model_construct(**{field: answer})
    # By the whole tree: its writer is there already, that of a block alone would first be built.
    tree = Answers.model_construct(None, **{block: holder})
    return tree.model_dump(mode="json", exclude_unset=True, exclude_none=True)[block].get(field)


def inside(answer: Any, keys: tuple[str, ...], *, path: str) -> Any:
    """A part of an answer by its keys in YAML; None inside an unanswered question.

    Raises:
        NotFound: the answer has no such part.
    """
    for key in keys:
        if answer is None:
            return None
        fields = type(answer).model_fields if isinstance(answer, BaseModel) else {}
        name = next((name for name, info in fields.items() if key in {name, info.alias}), None)
        if name is None:
            raise NotFound("part of an answer", path, known=tuple(info.alias or name for name, info in fields.items()))
        answer = getattr(answer, name)
    return answer


def with_part(plain: object, keys: tuple[str, ...], *, value: object) -> object:
    """A copy of an answer as YAML holds it, with one part replaced."""
    if not keys:
        return value
    base = dict(plain) if isinstance(plain, Mapping) else {}
    base[keys[0]] = with_part(base.get(keys[0]), keys[1:], value=value)
    return base


def plain_of(root: Node, location: tuple[str | int, ...]) -> object:
    """What is written at a location; None where nothing is."""
    node, exact = node_at(root, location)
    return node.plain() if exact else None
