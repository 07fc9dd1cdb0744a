"""`stackcanvas demo`: three months of real flights through the whole stack."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options, progress, say

if TYPE_CHECKING:
    from stackcanvas.metadata import Event

_DEMO = "stackcanvas.examples.demo"


@click.command("demo", cls=Command, example=("stackcanvas demo", "stackcanvas demo --keep flights --serve"))
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Leave the project in this folder; one begun there goes on."
)
@click.option("--serve", is_flag=True, help="End with the web page of the project.")
@output_options
def demo(keep: Path | None, *, serve: bool) -> None:
    """Play three months of real flights through the whole stack.

    Two hours before departure: will this flight arrive more than 15 minutes late? Trained on January
    to April 2013, asked for every flight of May to July with one request for each simulated hour;
    outcomes come when the flights have landed. What is found, trained and released in between is
    decided by the canvas.
    """
    with ExitStack() as ending:
        root = keep or Path(tempfile.mkdtemp(prefix="stackcanvas-demo-")) / "flights"
        if keep is None and not serve:
            ending.callback(load(f"{_DEMO}:remove"), root.parent)
        screen = load(f"{_DEMO}:Screen")(
            say, lambda event: say(_told(event)), lambda what, total: progress(what, total=total)
        )
        report = load(f"{_DEMO}:play")(root.resolve(), screen)
        emit_text(load(f"{_DEMO}:told")(report), data=report)
    if keep is not None or serve:
        say(f"The project lies in {root}; try: cd {root} && stackcanvas status")
    if serve:
        sys.stdout.flush()
        words = [sys.executable, "-m", "stackcanvas.server.up", "--project", str(root)]
        os.execv(sys.executable, words)  # noqa: S606 - no shell is wanted


def _told(event: Event) -> str:
    """What happened, as a line."""
    facts = event.payload
    said = {
        "drift.found": "drift found",
        "decay.found": "decay found",
        "run.finished": f"the pipeline {facts.get('pipeline')} {facts.get('state')}",
        "model.registered": f"{event.subject} registered",
        "deployment.changed": f"{facts.get('model')} {facts.get('state')}, {_weights(facts.get('weights'))}",
    }
    return f"  {event.time:%Y-%m-%d %H:%M}  {said.get(event.name, event.name)}"


def _weights(weights: object) -> str:
    if not isinstance(weights, dict):
        return ""
    return ", ".join(f"{str(model).removeprefix('model:')} answers {share:.0%}" for model, share in weights.items())
