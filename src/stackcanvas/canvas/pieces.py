"""A piece of a canvas in a file of its own, read and checked as it is in the canvas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from stackcanvas.canvas import places, problems, syntax
from stackcanvas.canvas.document import decode, read_text
from stackcanvas.canvas.shape import shape_of_model
from stackcanvas.errors import BadInput, BadInputs, NotFound

_Model = TypeVar("_Model", bound=BaseModel)


def load_piece(path: Path, model: type[_Model]) -> _Model:
    """The answer that a YAML file holds.

    Raises:
        NotFound: there is no such file.
        BadInputs: it is not such an answer; each problem with line and column.
    """
    label = str(path)
    if not path.exists():
        raise NotFound("file", label)
    return _read(decode(read_text(path), label=label), model, label=label)


def piece_of(given: Mapping[str, Any], model: type[_Model], *, label: str) -> _Model:
    """The answer that a mapping holds, as a program writes one.

    Args:
        label: what the mapping is called in errors.

    Raises:
        BadInputs: it is not such an answer; the lines are those of the mapping as YAML.
    """
    try:
        text = yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise BadInput(f"it holds what YAML cannot ({str(error).partition(chr(10))[0]})", where=label) from None
    return _read(text, model, label=label)


def _read(text: str, model: type[_Model], *, label: str) -> _Model:
    found: list[BadInput] = []
    root = syntax.read(text, label=label, problems=found)
    if found:
        raise BadInputs(found)
    if root is None:
        raise BadInput("nothing stands in it", where=label, expected=shape_of_model(model).expected)

    def place(location: problems.Location, key: bool) -> str:
        node = places.key_at(root, location) if key else places.node_at(root, location)[0]
        return places.where(label, node)

    try:
        return model.model_validate(root.plain())
    except ValidationError as error:
        raise BadInputs(problems.sentences(error, shape=shape_of_model(model), place=place)) from None
