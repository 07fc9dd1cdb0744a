"""`canvas check`: what is wrong with the canvas."""

from __future__ import annotations

import click

from stackcanvas.cli.canvas.reading import read_canvas
from stackcanvas.cli.commands import Command
from stackcanvas.cli.output import emit_text, output_options


@click.command("check", cls=Command, example="stackcanvas canvas check")
@output_options
def check() -> None:
    """Check canvas.yaml: every error at once, each with its line and column.

    Open questions are no error; the exit code is 3 when something is wrong.
    """
    found = read_canvas()
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
