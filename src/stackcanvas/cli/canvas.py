"""`stackcanvas canvas`: the document that says what the stack is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import emit_record, emit_rows, emit_text, output_options, say
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import BadInput, BadInputs, NotFound
from stackcanvas.plain import one_line

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas
    from stackcanvas.canvas.answered import Effective
    from stackcanvas.canvas.questions import Question

_EDIT = "stackcanvas.canvas.edit"


@click.group("canvas", cls=Group, example=("stackcanvas canvas check", "stackcanvas canvas show data"))
def canvas() -> None:
    """The canvas: show, check and answer it."""


@canvas.command("check", example="stackcanvas canvas check")
@output_options
def check() -> None:
    """Check canvas.yaml: every error at once, each with its line and column.

    Open questions are no error; the exit code is 3 when something is wrong.
    """
    found = _read()
    counts = {
        "file": found.label,
        "answered": len(found.answered),
        "open": len(found.unanswered),
        "not_applicable": len(found.not_applicable),
        "digest": found.digest,
    }
    said = f"{found.label} holds: {counts['answered']} questions answered, {counts['open']} open"
    aside = f", {counts['not_applicable']} set aside" if counts["not_applicable"] else ""
    emit_text(f"{said}{aside}", data=counts)


@canvas.command("show", example=("stackcanvas canvas show", "stackcanvas canvas show deployment --effective"))
@click.argument("block", required=False)
@click.option("--effective", is_flag=True, help="Also what the stack takes where nothing is answered, and from where.")
@click.option("--model", metavar="NAME", help="What holds for this model; implies --effective.")
@click.option("--env", "environment", metavar="NAME", help="What holds in this environment; implies --effective.")
@output_options
def show(block: str | None, effective: bool, model: str | None, environment: str | None) -> None:
    """Show the answers, of one BLOCK or of all."""
    found = _read()
    questions = _questions(block)
    if effective or model or environment:
        holds = found.effective(model=model, environment=environment)
        emit_rows(_effective_rows(holds, questions), columns=("question", "answer", "from"))
        return
    answers = _plain_answers(found.answers)
    rows = [
        {"question": one.id, "answer": answers[one.id], "where": found.where(one.id)}
        for one in questions
        if one.id in answers
    ]
    empty = "Nothing is answered yet. See the questions with `stackcanvas canvas questions`."
    emit_rows(rows, columns=("question", "answer", "where"), empty=empty)


@canvas.command("questions", example=("stackcanvas canvas questions --open", "stackcanvas canvas questions data"))
@click.argument("block", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only those that want an answer still.")
@output_options
def questions(block: str | None, only_open: bool) -> None:
    """List the questions, of one BLOCK or of all."""
    found = _read()
    states = {
        **dict.fromkeys(found.answered, "answered"),
        **dict.fromkeys(found.unanswered, "open"),
        **dict.fromkeys(found.not_applicable, "set aside"),
    }
    rows = [
        {"id": one.id, "title": one.title, "state": states[one.id], "level": one.level, "help": one.help}
        for one in _questions(block)
        if not only_open or states[one.id] == "open"
    ]
    emit_rows(rows, columns=("id", "title", "state", "level"), empty="No question is open.")


@canvas.command("about", example="stackcanvas canvas about deployment.strategy")
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


@canvas.command(
    "set",
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


@canvas.command("unset", example="stackcanvas canvas unset data.versioning")
@click.argument("question")
@click.option("--model", metavar="NAME", help="Only for this model.")
@click.option("--env", "environment", metavar="NAME", help="Only in this environment.")
@output_options
def unset_answer(question: str, model: str | None, environment: str | None) -> None:
    """Take the answer of a QUESTION back."""
    edit = load("importlib:import_module")(_EDIT)
    _write([edit.unanswer(question, model=model, environment=environment)], question)


@canvas.command("schema", example="stackcanvas canvas schema > canvas.schema.json")
def schema() -> None:
    """Print the JSON Schema of canvas.yaml, for editors."""
    click.echo(load("stackcanvas.canvas.schema:text")(), nl=False)


def _read() -> Canvas:
    found: Canvas = load("stackcanvas.canvas:load")(canvas_file())
    return found


def _write(changes: list[Any], question: str) -> None:
    after: Canvas = load(f"{_EDIT}:write")(canvas_file(), changes)
    say(f"{after.label}: {len(after.answered)} questions answered, {len(after.unanswered)} open")
    emit_record({"question": question, "answer": one_line(_plain_answers(after.answers).get(question)) or None})


def _questions(block: str | None) -> list[Question]:
    every: list[Question] = list(load("stackcanvas.canvas.questions:QUESTIONS").values())
    if block is None:
        return every
    chosen = [one for one in every if one.block == block]
    if not chosen:
        raise NotFound("block", block, known=dict.fromkeys(one.block for one in every))
    return chosen


def _plain_answers(answers: Any, *, written_only: bool = True) -> dict[str, Any]:
    """Answers by question as plain data; passwords in addresses are masked."""
    place_of = load("stackcanvas.canvas.blocks:place_of")
    dumped = answers.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=written_only)
    found: dict[str, Any] = {}
    for question in load("stackcanvas.canvas:QUESTION_IDS"):
        block, key = place_of(question)
        if key in dumped.get(block, {}):
            found[question] = dumped[block][key]
    return found


def _effective_rows(holds: Effective, questions: list[Question]) -> list[dict[str, object]]:
    answers = _plain_answers(holds.answers, written_only=False)
    return [{"question": one.id, "answer": answers.get(one.id), "from": str(holds.origin(one.id))} for one in questions]


def _value(text: str) -> object:
    problems: list[BadInput] = []
    node = load("stackcanvas.canvas.syntax:read")(text, label="VALUE", problems=problems)
    if problems:
        raise BadInputs(problems)
    return None if node is None else node.plain()
