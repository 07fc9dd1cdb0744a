"""`canvas questions`, `about` and `schema`: what the canvas asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.canvas.reading import questions_of, read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options

if TYPE_CHECKING:
    from stackcanvas.canvas.questions import Question


@click.command(
    "questions", cls=Command, example=("stackcanvas canvas questions --open", "stackcanvas canvas questions data")
)
@click.argument("block", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only those that want an answer still.")
@output_options
def questions(block: str | None, only_open: bool) -> None:
    """List the questions, of one BLOCK or of all."""
    found = read_canvas()
    states = {
        **dict.fromkeys(found.answered, "answered"),
        **dict.fromkeys(found.unanswered, "open"),
        **dict.fromkeys(found.not_applicable, "set aside"),
    }
    rows = [
        {"id": one.id, "title": one.title, "state": states[one.id], "level": one.level, "help": one.help}
        for one in questions_of(block)
        if not only_open or states[one.id] == "open"
    ]
    emit_rows(rows, columns=("id", "title", "state", "level"), empty="No question is open.")


@click.command("about", cls=Command, example="stackcanvas canvas about deployment.strategy")
@click.argument("question")
@output_options
def about(question: str) -> None:
    """Tell about one QUESTION: what it asks, what an answer looks like, what it configures."""
    known = load("stackcanvas.canvas.questions:QUESTIONS")
    found: Question = known[question]
    emit_record(
        {
            "id": found.id,
            "title": found.title,
            "help": found.help,
            "answer": found.shape.expected,
            "example": f"{found.key}: {found.shape.example}",
            "configures": found.configures,
            "evidence": found.evidence,
            "level": found.level,
            "phases": found.phases,
        }
    )


@click.command("schema", cls=Command, example="stackcanvas canvas schema > canvas.schema.json")
def schema() -> None:
    """Print the JSON Schema of canvas.yaml, for editors."""
    click.echo(load("stackcanvas.canvas.schema:text")(), nl=False)
