"""`canvas set` and `unset`: one answer written or taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.canvas.reading import plain_answers
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, output_options, say
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.plain import one_line

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas

_EDIT = "stackcanvas.canvas.edit"


@click.command(
    "set",
    cls=Command,
    example=(
        "stackcanvas canvas set data.versioning mandatory",
        "stackcanvas canvas set deployment.strategy '{kind: canary, every: 2h}' --why 'faults show early'",
    ),
)
@click.argument("question")
@click.argument("value")
@click.option("--model", metavar="NAME", help="Only for this model.")
@click.option("--env", "environment", metavar="NAME", help="Only in this environment.")
@click.option("--why", metavar="TEXT", help="The reason, kept under `decisions`.")
@click.option("--owner", metavar="NAME", help="Who decided.")
@output_options
def set_answer(  # noqa: PLR0917 - click passes them by name
    question: str, value: str, model: str | None, environment: str | None, why: str | None, owner: str | None
) -> None:
    """Answer a QUESTION with VALUE, written as in YAML; comments and order of canvas.yaml are kept.

    Nothing is written when the canvas would be wrong afterwards.
    """
    edit = load("importlib:import_module")(_EDIT)
    changes = [edit.answer(question, _value(value), model=model, environment=environment)]
    if why or owner:
        whole = ".".join(question.split(".")[:2])
        changes += edit.decide(whole, why=why, owner=owner)
    _write(changes, question)


@click.command("unset", cls=Command, example="stackcanvas canvas unset data.versioning")
@click.argument("question")
@click.option("--model", metavar="NAME", help="Only for this model.")
@click.option("--env", "environment", metavar="NAME", help="Only in this environment.")
@output_options
def unset_answer(question: str, model: str | None, environment: str | None) -> None:
    """Take the answer of a QUESTION back."""
    edit = load("importlib:import_module")(_EDIT)
    _write([edit.unanswer(question, model=model, environment=environment)], question)


def _write(changes: list[Any], question: str) -> None:
    after: Canvas = load(f"{_EDIT}:write")(canvas_file(), changes)
    say(f"{after.label}: {len(after.answered)} questions answered, {len(after.unanswered)} open")
    for finding in load("stackcanvas.canvas.check:check")(after):
        if question.startswith(finding.questions):
            say(f"Mind: {finding.line()}")
    emit_record({"question": question, "answer": one_line(plain_answers(after.answers).get(question)) or None})


def _value(text: str) -> object:
    problems: list[BadInput] = []
    node = load("stackcanvas.canvas.syntax:read")(text, label="VALUE", problems=problems)
    if problems:
        raise BadInputs(problems)
    return None if node is None else node.plain()
