"""`stackcanvas run` and `stackcanvas pipelines`: pipelines, their runs, their steps and what these printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Command, Group
from stackcanvas.cli.output import emit_record, emit_rows, emit_text, output_options, progress, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import Usage

if TYPE_CHECKING:
    from stackcanvas.pipelines import PipelineRun, Progress
    from stackcanvas.stack import Stack

_LIMIT = click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
_RUN = ("id", "pipeline", "state", "trigger", "started", "duration_s", "error")
_STEP = ("node", "state", "attempt", "duration_s", "error")


@click.command(
    "run",
    cls=Command,
    example=(
        "stackcanvas run train",
        "stackcanvas run train -p depth=8 -p rate=0.05",
        "stackcanvas run train --resume 01a2098daf6376378adceeb546f71150",
    ),
)
@click.argument("name")
@click.option("-p", "--parameter", "words", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--resume", metavar="RUN", help="Go on with a run that failed or was killed; finished steps stay.")
@click.option("--seed", type=int, default=0, show_default=True, help="For steps that draw random numbers.")
@click.option("--fresh", is_flag=True, help="Take nothing from earlier runs.")
@click.option("--queue", is_flag=True, help="Let a worker execute it (`stackcanvas up`).")
@output_options
@pass_stack
def run(  # noqa: PLR0917 - click passes them by name
    stack: Stack, name: str, words: tuple[str, ...], resume: str | None, seed: int, fresh: bool, queue: bool
) -> None:
    """Run the pipeline NAME.

    Steps whose code, inputs, parameters and packages are those of an earlier run are taken from it. When a step fails,
    those that do not depend on it still run; mend it and go on with --resume. On a stack of another machine
    (STACKCANVAS_URL) the run is queued there.
    """
    if resume is not None and (words or queue):
        raise Usage("a run that is resumed keeps its parameters and runs here", fix="Leave out -p and --queue")
    parameters = stack.pipelines.project.pipeline(name).parse(words)
    if queue or stack.is_served:
        emit_record(stack.pipelines.queue(name, parameters), fields=("id", "pipeline", "state"))
        return
    with progress(f"Running {name}") as advance:
        watch = _Watch(advance)
        # On stderr: the result of the command stands alone on stdout.
        if resume is None:
            ended = stack.pipelines.run(name, parameters, seed=seed, fresh=fresh, echo=sys.stderr, watch=watch)
        else:
            ended = stack.pipelines.resume(resume, fresh=fresh, echo=sys.stderr, watch=watch)
    _tell(stack, ended)
    ended.check()


@click.group(
    "pipelines", cls=Group, example=("stackcanvas pipelines show train", "stackcanvas pipelines runs --state failed")
)
def pipelines() -> None:
    """Pipelines of the project, their runs and what their steps printed."""


@pipelines.command("ls", example="stackcanvas pipelines ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the pipelines with their parameters."""
    emit_rows(
        [found.described() for found in stack.pipelines.ls()],
        columns=("name", "parameters", "summary"),
        empty="No pipeline yet. Write one in pipelines.py: a function with @sc.pipeline",
    )


@pipelines.command("show", example=("stackcanvas pipelines show train", "stackcanvas pipelines show train -p depth=8"))
@click.argument("name")
@click.option("-p", "--parameter", "words", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@output_options
@pass_stack
def show(stack: Stack, name: str, words: tuple[str, ...]) -> None:
    """Show the steps of a pipeline and what each needs, without running it."""
    parameters = stack.pipelines.project.pipeline(name).parse(words)
    steps = stack.pipelines.describe(name, parameters)
    emit_rows(steps, columns=("node", "needs", "inputs", "cache", "retries", "timeout_s"))


@pipelines.command("runs", example=("stackcanvas pipelines runs", "stackcanvas pipelines runs train --state failed"))
@click.argument("name", required=False)
@click.option("--state", help="queued, running, finished, failed or cancelled.")
@_LIMIT
@output_options
@pass_stack
def runs(stack: Stack, name: str | None, state: str | None, limit: int) -> None:
    """List runs, the newest first."""
    found = stack.pipelines.runs(pipeline=name, state=state, limit=limit)
    emit_rows(found, columns=_RUN, empty="No run yet. Start one: stackcanvas run NAME")


@pipelines.command("steps", example="stackcanvas pipelines steps 01a2098daf6376378adceeb546f71150")
@click.argument("run_id", metavar="RUN")
@output_options
@pass_stack
def steps(stack: Stack, run_id: str) -> None:
    """List the steps of a run and how each ended."""
    _tell(stack, stack.pipelines.get(run_id))


@pipelines.command(
    "logs",
    example=(
        "stackcanvas pipelines logs 01a2098daf6376378adceeb546f71150",
        "stackcanvas pipelines logs 01a2098daf6376378adceeb546f71150 fit",
    ),
)
@click.argument("run_id", metavar="RUN")
@click.argument("step", required=False)
@output_options
@pass_stack
def logs(stack: Stack, run_id: str, step: str | None) -> None:
    """Show what the steps of a run printed, and where they failed."""
    found = stack.pipelines.logs(run_id, step=step)
    parts = [f"{click.style(one.node, bold=True)}\n{one.text}" for one in found]
    emit_text("\n".join(parts) if parts else "The steps printed nothing.", data=found)


@pipelines.command("cancel", example="stackcanvas pipelines cancel 01a2098daf6376378adceeb546f71150")
@click.argument("run_id", metavar="RUN")
@output_options
@pass_stack
def cancel(stack: Stack, run_id: str) -> None:
    """Take a queued run out of the queue."""
    emit_record(stack.pipelines.cancel(run_id), fields=("id", "pipeline", "state"))


class _Watch:
    """Moves the bar by the steps that have ended."""

    def __init__(self, advance: Any) -> None:
        self._advance = advance
        self._done = 0

    def __call__(self, told: Progress) -> None:
        self._advance(told.done - self._done)
        self._done = told.done


def _tell(stack: Stack, ended: PipelineRun) -> None:
    steps = stack.pipelines.steps(ended.id)
    if wants_json():
        emit_record({"run": ended, "steps": steps})
        return
    emit_rows(steps, columns=_STEP, empty="The run has no steps.")
    for step in steps:
        if step.frames:
            say(f"\n{click.style(step.node, bold=True)}\n{step.frames}")
    if ended.frames:
        say(f"\n{ended.frames}")
    say(f"\nrun {ended.id} of {ended.pipeline}: {ended.state}")
