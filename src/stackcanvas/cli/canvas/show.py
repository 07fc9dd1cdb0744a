"""`canvas show`: the answers, as written and as they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.canvas.reading import plain_answers, questions_of, read_canvas
from stackcanvas.cli.commands import Command
from stackcanvas.cli.output import emit_rows, output_options

if TYPE_CHECKING:
    from stackcanvas.canvas.answered import Effective
    from stackcanvas.canvas.questions import Question


@click.command(
    "show", cls=Command, example=("stackcanvas canvas show", "stackcanvas canvas show deployment --effective")
)
@click.argument("block", required=False)
@click.option("--effective", is_flag=True, help="Also what the stack takes where nothing is answered, and from where.")
@click.option("--model", metavar="NAME", help="What holds for this model; implies --effective.")
@click.option("--env", "environment", metavar="NAME", help="What holds in this environment; implies --effective.")
@output_options
def show(block: str | None, effective: bool, model: str | None, environment: str | None) -> None:
    """Show the answers, of one BLOCK or of all."""
    found = read_canvas()
    questions = questions_of(block)
    if effective or model or environment:
        holds = found.effective(model=model, environment=environment)
        emit_rows(_effective_rows(holds, questions), columns=("question", "answer", "from"))
        return
    answers = plain_answers(found.answers)
    rows = [
        {"question": one.id, "answer": answers[one.id], "where": found.where(one.id)}
        for one in questions
        if one.id in answers
    ]
    empty = "Nothing is answered yet. See the questions with `stackcanvas canvas questions`."
    emit_rows(rows, columns=("question", "answer", "where"), empty=empty)


def _effective_rows(holds: Effective, questions: list[Question]) -> list[dict[str, object]]:
    answers = plain_answers(holds.answers, written_only=False)
    return [{"question": one.id, "answer": answers.get(one.id), "from": str(holds.origin(one.id))} for one in questions]
