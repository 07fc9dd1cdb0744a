"""A canvas with other answers, to see what they would cost: `serving.volume=10x`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from stackcanvas.canvas import paths
from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks import place_of
from stackcanvas.canvas.document import loads
from stackcanvas.canvas.shape import Shape
from stackcanvas.canvas.syntax import read
from stackcanvas.canvas.units import format_duration, format_size, parse_duration, parse_size
from stackcanvas.errors import BadInput, BadInputs, NotFound

_TIMES = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)x")

GROWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "data.sources": ("size", "growth"),
        "data.labelling": ("backlog", "items_per_month"),
        "data.version_method": ("versions_kept",),
        "experiments.training_infrastructure": ("runs_per_month",),
        "features.infrastructure": ("hours_per_month",),
        "features.databases": ("online_size", "reads_per_second"),
        "foundations.ci_cd": ("minutes_per_month",),
        "foundations.version_control": ("developers",),
        "pipelines.retraining": ("runs_per_month",),
        "registry.storage": ("versions_kept",),
        "serving.volume": ("predictions", "peak_per_second"),
        "serving.distributed": ("replicas",),
        "metadata.store": ("executions_per_month",),
        "value.payoff": ("decisions_per_month",),
    }
)
"""What grows when a whole answer is multiplied: the figures that say how much or how often."""


def what_if(canvas: Canvas, changes: Sequence[str]) -> Canvas:
    """A copy of a canvas with some answers changed.

    Args:
        canvas: stays as it is.
        changes: each `PATH=10x` or `PATH=VALUE`; a path is a question or a part of its answer, with parts of lists by
            their number from 0 or their name.

    Raises:
        BadInput: a change cannot be read, or there is nothing to multiply.
        BadInputs: the canvas would be wrong with it.
        NotFound: no such question or part.

    Example:
        >>> canvas = loads("{stackcanvas: 1, project: {name: demo}, serving: {volume: {predictions: 1000}}}")
        >>> what_if(canvas, ["serving.volume=10x"]).get("serving.volume").predictions
        10000
    """
    # JSON is YAML: the changed answers are checked exactly as if they had been written.
    document: dict[str, Any] = json.loads(json.dumps(canvas.to_dict(), default=str))
    for change in changes:
        path, given, value = change.partition("=")
        if not given or not value:
            raise BadInput(
                f"{change[:60]!r} is no change", expected="such as serving.volume=10x or registry.needed=optional"
            )
        question, keys = paths.split(path)
        block, key = place_of(question)
        answers = document.setdefault(block, {})
        times = _TIMES.fullmatch(value)
        if times is None:
            answers[key] = _set(answers.get(key), _located(answers.get(key), keys, path), _value(value))
        else:
            parts = [keys] if keys else [(part,) for part in _growing(question)]
            answers[key] = _multiplied(answers.get(key, {}), question, parts, factor=Decimal(times[1]), path=path)
    return loads(json.dumps(document, ensure_ascii=False), label=f"{canvas.label} (what if)", path=canvas.path)


def _value(text: str) -> object:
    found: list[BadInput] = []
    node = read(text, label="--what-if", problems=found)
    if found:
        raise BadInputs(found)
    return None if node is None else node.plain()


def _growing(question: str) -> tuple[str, ...]:
    if question not in GROWS:
        raise BadInput(f"{question} has nothing that grows", expected=f"a part of it, or one of {', '.join(GROWS)}")
    return GROWS[question]


def _multiplied(answer: Any, question: str, parts: Sequence[tuple[str, ...]], *, factor: Decimal, path: str) -> Any:
    """An answer with some of its figures multiplied; of a list, those of every entry unless one is named."""
    shape = paths.shape_of_question(question)
    for part in parts:
        if isinstance(answer, list) and shape.items is not None and len(part) == 1:
            if not answer:
                raise BadInput(f"{question} has no entry to multiply", expected="an answer in the canvas")
            answer = [_times(entry, shape.items, part, factor, path) for entry in answer]
        elif isinstance(answer, list) and shape.items is not None:
            place = _located(answer, part, path)[0]
            answer = [
                _times(entry, shape.items, part[1:], factor, path) if number == place else entry
                for number, entry in enumerate(answer)
            ]
        else:
            answer = _times(answer, shape, part, factor, path)
    return answer


def _times(entry: Any, shape: Shape, keys: tuple[str, ...], factor: Decimal, path: str) -> Any:
    field = shape.field_named(keys[0])
    if field is None or len(keys) != 1 or not isinstance(entry, Mapping):
        raise NotFound(
            "figure", path, known=[f"{path.rsplit('.', 1)[0]}.{one.name}" for one in shape.fields if one.unit]
        )
    now = entry.get(field.name, field.default)
    return {**entry, field.name: _product(now, field.shape.kind, factor, path)}


def _product(now: Any, kind: str, factor: Decimal, path: str) -> Any:
    if kind == "size":
        return format_size(int(parse_size(str(now)) * factor))
    if kind == "length of time":
        try:
            return format_duration(parse_duration(str(now)) * float(factor))
        except OverflowError:
            raise BadInput(f"{path} times {factor:f} is longer than 1000 years", expected="a smaller factor") from None
    if isinstance(now, bool) or not isinstance(now, int | float):
        raise BadInput(f"{path} is no figure and cannot be multiplied", expected=f"{path}=VALUE")
    product = Decimal(str(now)) * factor
    return int(product.to_integral_value()) if kind == "whole number" else float(product)


def _located(answer: Any, keys: tuple[str, ...], path: str) -> tuple[str | int, ...]:
    """The keys with the entry of a list found by number or name."""
    if not isinstance(answer, list) or not keys:
        return keys
    names = [_name(entry) for entry in answer]
    place = names.index(keys[0]) if keys[0] in names else int(keys[0]) if keys[0].isdigit() else -1
    if not 0 <= place < len(answer):
        raise NotFound("entry", path, known=[f"{'.'.join(path.split('.')[:2])}.{name}" for name in names])
    return place, *keys[1:]


def _name(entry: Any) -> str:
    named = ("name", "view", "block", "pipeline", "requirement")
    return next((str(entry[key]) for key in named if isinstance(entry, Mapping) and key in entry), "")


def _set(answer: Any, keys: tuple[str | int, ...], value: object) -> Any:
    if not keys:
        return value
    first, rest = keys[0], keys[1:]
    if isinstance(answer, list) and isinstance(first, int):
        return [_set(entry, rest, value) if number == first else entry for number, entry in enumerate(answer)]
    base = dict(answer) if isinstance(answer, Mapping) else {}
    return {**base, str(first): _set(base.get(str(first)), rest, value)}
