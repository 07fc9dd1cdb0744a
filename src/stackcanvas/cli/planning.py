"""`stackcanvas plan` and `stackcanvas apply`: from the canvas that runs to the one that is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import canvas_file, open_stack
from stackcanvas.errors import Refused
from stackcanvas.plain import one_line

if TYPE_CHECKING:
    from stackcanvas.stack.planning import Plan

_PLANNING = "stackcanvas.stack.planning"


@click.command("plan", cls=Command, example=("stackcanvas plan", "stackcanvas plan --format json"))
@output_options
def plan() -> None:
    """Show what the changed canvas would alter in the running stack: nothing, reload, restart, move data, destructive.

    The environment is that of STACKCANVAS_ENVIRONMENT. Nothing is changed.
    """
    _show(_plan())


@click.command("apply", cls=Command, example=("stackcanvas apply", "stackcanvas apply --yes"))
@click.option("--yes", is_flag=True, help="Also when the change moves or destroys data.")
@output_options
def apply(yes: bool) -> None:
    """Take the canvas as written for the one that runs, and record its digest.

    `stackcanvas up` refuses a canvas that moves or destroys data until it is applied.
    """
    if not yes:
        found = _plan()
        deep = [step for step in found.steps if step.effect >= load(f"{_PLANNING}:Effect").MOVE]
        if deep:
            told = "; ".join(f"{step.path} ({step.effect}: {step.said})" for step in deep)
            raise Refused(
                f"this moves or destroys data: {told}", where="canvas.yaml", fix="When all is prepared, add --yes"
            )
    stack = open_stack()
    done = load(f"{_PLANNING}:apply")(stack)
    say("Applied." if done else "This canvas is applied already.")
    running = [one.name for one in load("stackcanvas.stack.running:processes")(stack.folder)]
    if done and running:
        say(f"Running now with the canvas from before: {', '.join(running)}. Start `stackcanvas up` again.")
    emit_record({"digest": stack.canvas.digest, "environment": stack.environment, "applied": done})


def _plan() -> Plan:
    environment = os.environ.get("STACKCANVAS_ENVIRONMENT") or None
    found: Plan = load(f"{_PLANNING}:plan_of")(canvas_file().parent, environment=environment)
    return found


def _show(found: Plan) -> None:
    if wants_json():
        emit_record(
            {
                "effect": str(found.effect),
                "applied": found.applied,
                "digest": found.digest,
                "environment": found.environment,
                "restarts": found.restarts,
                "steps": found.steps,
            }
        )
        return
    if found.applied is None:
        say("No canvas was applied yet: `stackcanvas up` or `stackcanvas apply` takes this one.")
        return
    rows = [
        {
            "effect": str(step.effect),
            "answer": step.path + (f" of {step.model}" if step.model else ""),
            "before": _short(step.before),
            "after": _short(step.after),
            "what happens": step.said,
        }
        for step in found.steps
    ]
    emit_rows(rows, columns=("effect", "answer", "before", "after", "what happens"), empty="Nothing changed.")
    if found.restarts:
        click.echo(f"\nTo start again: {', '.join(found.restarts)}.")


def _short(said: object) -> str:
    line = "nothing" if said is None else one_line(said) or "empty"
    return line if len(line) <= 60 else f"{line[:59]}…"
