"""What the verbs share: the canvas of the project, its questions, its answers as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcanvas.cli.commands import load
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import NotFound

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas
    from stackcanvas.canvas.questions import Question


def read_canvas() -> Canvas:
    """The canvas of the project that `--project` names, or of the nearest one upwards."""
    found: Canvas = load("stackcanvas.canvas:load")(canvas_file())
    return found


def questions_of(block: str | None) -> list[Question]:
    """The questions of one block, or all.

    Raises:
        NotFound: there is no such block.
    """
    every: list[Question] = list(load("stackcanvas.canvas.questions:QUESTIONS").values())
    if block is None:
        return every
    chosen = [one for one in every if one.block == block]
    if not chosen:
        raise NotFound("block", block, known=dict.fromkeys(one.block for one in every))
    return chosen


def plain_answers(answers: Any, *, written_only: bool = True) -> dict[str, Any]:
    """Answers by question as plain data; passwords in addresses are masked."""
    place_of = load("stackcanvas.canvas.blocks:place_of")
    dumped = answers.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=written_only)
    found: dict[str, Any] = {}
    for question in load("stackcanvas.canvas:QUESTION_IDS"):
        block, key = place_of(question)
        if key in dumped.get(block, {}):
            found[question] = dumped[block][key]
    return found
