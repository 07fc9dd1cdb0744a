"""A piece of a canvas in a file of its own, read and checked as it is in the canvas."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

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
    found: list[BadInput] = []
    root = syntax.read(decode(read_text(path), label=label), label=label, problems=found)
    if found:
        raise BadInputs(found)
    if root is None:
        raise BadInput("the file is empty", where=label, expected=shape_of_model(model).expected)

    def place(location: problems.Location, key: bool) -> str:
        node = places.key_at(root, location) if key else places.node_at(root, location)[0]
        return places.where(label, node)

    try:
        return model.model_validate(root.plain())
    except ValidationError as error:
        raise BadInputs(problems.sentences(error, shape=shape_of_model(model), place=place)) from None
