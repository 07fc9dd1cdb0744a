"""`canvas show`: the canvas on one page; the answers of a block, as written and as they hold."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.canvas.reading import plain_answers, questions_of, read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.files import replace_file
from stackcanvas.cli.output import emit_rows, output_options, say, wants_json
from stackcanvas.errors import Usage

if TYPE_CHECKING:
    from stackcanvas.canvas import Canvas
    from stackcanvas.canvas.answered import Effective
    from stackcanvas.canvas.questions import Question


_SHOW = "stackcanvas.canvas.show"
_KINDS = (".pdf", ".svg", ".png", ".html", ".md", ".txt")


@click.command(
    "show",
    cls=Command,
    example=(
        "stackcanvas canvas show",
        "stackcanvas canvas show --out canvas.pdf",
        "stackcanvas canvas show deployment",
        "stackcanvas canvas show deployment --effective",
    ),
)
@click.argument("block", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write the page to a file instead: .pdf, .svg or .png (A3 landscape), .html, .md or .txt.",
)
@click.option("--effective", is_flag=True, help="Also what the stack takes where nothing is answered, and from where.")
@click.option("--model", metavar="NAME", help="What holds for this model; implies --effective.")
@click.option("--env", "environment", metavar="NAME", help="What holds in this environment; implies --effective.")
@output_options
def show(block: str | None, out: Path | None, effective: bool, model: str | None, environment: str | None) -> None:
    """Show the canvas on one page, or the answers of one BLOCK with the place of each."""
    found = read_canvas()
    listed = bool(effective or model or environment)
    if out is not None:
        if block or listed:
            raise Usage("the page shows the whole canvas as written", fix="Leave the block and the other options out")
        _write(found, out)
        return
    questions = questions_of(block)
    if listed:
        holds = found.effective(model=model, environment=environment)
        emit_rows(_effective_rows(holds, questions), columns=("question", "answer", "from"))
    elif block is None and not wants_json():
        click.echo(_terminal(found))
    else:
        _answers(found, questions)


def _answers(found: Canvas, questions: list[Question]) -> None:
    answers = plain_answers(found.answers)
    rows = [
        {"question": one.id, "answer": answers[one.id], "where": found.where(one.id)}
        for one in questions
        if one.id in answers
    ]
    empty = "Nothing is answered yet. See the questions with `stackcanvas canvas questions`."
    emit_rows(rows, columns=("question", "answer", "where"), empty=empty)


def _write(found: Canvas, out: Path) -> None:
    """Draw the page first: a file that was there is only replaced by a whole one."""
    kind = out.suffix.lower()
    if kind not in _KINDS:
        raise Usage(f"{out.name} has no ending that says what to draw", fix=f"End the name with {', '.join(_KINDS)}")
    page = load(f"{_SHOW}:sheet")(found)
    if kind in {".pdf", ".svg", ".png"}:
        content: bytes = load(f"{_SHOW}.page:printed")(page, kind[1:])
    elif kind == ".html":
        content = load(f"{_SHOW}.html:html")(page).encode()
    elif kind == ".md":
        content = load(f"{_SHOW}:markdown")(page).encode()
    else:
        content = f"{load(f'{_SHOW}.terminal:terminal')(page)}\n".encode()
    replace_file(out, content)
    say(f"{out}: {len(content):,} bytes")
    for script in load(f"{_SHOW}.fonts:lacking")(page) if kind in {".pdf", ".svg", ".png"} else ():
        say(f"No font of this machine has {script} letters: install one, such as Noto Sans, and draw again.")


def _terminal(found: Canvas) -> str:
    page = load(f"{_SHOW}:sheet")(found)
    width = shutil.get_terminal_size((160, 50)).columns
    draw = load(f"{_SHOW}.terminal:terminal")
    if not sys.stdout.isatty():
        return str(draw(page))
    looks: dict[str, dict[str, Any]] = {
        "title": {"bold": True, "fg": "cyan"},
        "strong": {"bold": True},
        "soft": {"dim": True},
    }
    return str(draw(page, width=width, style=lambda text, look: click.style(text, **looks[look])))


def _effective_rows(holds: Effective, questions: list[Question]) -> list[dict[str, object]]:
    answers = plain_answers(holds.answers, written_only=False)
    rows: list[dict[str, object]] = []
    for one in questions:
        answer, origin = answers.get(one.id), holds.origin(one.id)
        rows.append({"question": one.id, "answer": answer, "from": str(origin)})
        # A part that comes from elsewhere than the answer around it has a line of its own.
        for key, part in answer.items() if isinstance(answer, dict) else ():
            found = holds.origin(f"{one.id}.{key}")
            if (found.kind, found.name) != (origin.kind, origin.name):
                rows.append({"question": f"{one.id}.{key}", "answer": part, "from": str(found)})
    return rows
