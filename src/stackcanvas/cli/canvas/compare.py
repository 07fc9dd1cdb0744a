"""`canvas compare`: two canvases, or two revisions of one, as decisions that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.canvas.reading import read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, wants_json
from stackcanvas.cli.project import canvas_file

if TYPE_CHECKING:
    from stackcanvas.canvas.cost import Spread
    from stackcanvas.stack.comparing import Comparison

_COMPARING = "stackcanvas.stack.comparing"
_LONGEST = 70


@click.command(
    "compare",
    cls=Command,
    example=(
        "stackcanvas canvas compare HEAD",
        "stackcanvas canvas compare v1 v2",
        "stackcanvas canvas compare other.yaml",
    ),
)
@click.argument("before")
@click.argument("after", required=False)
@output_options
def compare(before: str, after: str | None) -> None:
    """Show which decisions changed from BEFORE to AFTER, and what that changes.

    Each is a canvas file, a project's folder, or a git revision of this project's canvas; AFTER is the canvas as it is
    written now by default.
    """
    root = canvas_file().parent
    at = load(f"{_COMPARING}:canvas_at")
    old = at(before, root=root)
    new = read_canvas() if after is None else at(after, root=root)
    found: Comparison = load(f"{_COMPARING}:compared")(old, new, root=root, names=(before, after or "canvas.yaml"))
    if wants_json():
        emit_record(found)
        return
    _show(found)


def _show(found: Comparison) -> None:
    rows = [
        {
            "decision": change.path,
            "before": _short(change.told(change.before)),
            "after": _short(change.told(change.after)),
            "why": change.why or "",
        }
        for change in found.decisions
    ]
    columns = ("decision", "before", "after", *(("why",) if any(row["why"] for row in rows) else ()))
    emit_rows(rows, columns=columns, empty=f"{found.before} and {found.after} say the same.")
    if not rows:
        return
    click.echo()
    if found.cost is None:
        click.echo("Cost: not compared, the currencies differ.")
    else:
        money = found.cost.currency
        click.echo(f"Cost a month: {_change(found.cost.monthly)} {money}; once: {_change(found.cost.once)} {money}.")
    for one in found.maturity:
        click.echo(f"Maturity, {one.block}: {one.before or 'none'} → {one.after or 'none'}.")
    for title, lines in (("New", found.new_problems), ("Solved", found.solved_problems)):
        for line in lines:
            click.echo(f"{title} contradiction: {line}")
    for step in found.stack:
        click.echo(f"Stack, {step.effect}: {step.path}{f' of {step.model}' if step.model else ''}: {step.said}.")


def _change(spread: Spread) -> str:
    middle = f"{spread.p50:+,.2f}"
    return middle if spread.p10 == spread.p90 else f"{middle} ({spread.p10:+,.2f} to {spread.p90:+,.2f})"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
