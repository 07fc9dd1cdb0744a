"""`stackcanvas experiments tune`: a search for good parameters of a pipeline."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, output_options, progress, say
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from stackcanvas.experiments import Space
    from stackcanvas.stack import Stack


@click.command(
    "tune",
    cls=Command,
    example=(
        "stackcanvas experiments tune train --metric auc -s depth=2..10 -s rate=0.001..0.3:log --trials 30",
        "stackcanvas experiments tune train --metric loss --direction minimize -s kind=l1,l2 --parallel 4",
    ),
)
@click.argument("pipeline")
@click.option("--metric", required=True, help="What the runs of the pipeline log, and what decides.")
@click.option(
    "--direction",
    type=click.Choice(["maximize", "minimize"]),
    default="maximize",
    show_default=True,
    help="Which way is better.",
)
@click.option(
    "-s", "--search", "spaces", multiple=True, required=True, metavar="NAME=VALUES", help="A parameter to search."
)
@click.option("-p", "--parameter", "fixed", multiple=True, metavar="NAME=VALUE", help="A parameter that stays.")
@click.option("--trials", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many in the end.")
@click.option("--study", "name", help="The name of the study; that of pipeline and metric unless given.")
@click.option("--seed", type=int, default=0, show_default=True, help="For what is tried.")
@click.option("--parallel", type=click.IntRange(1, 64), default=1, show_default=True, help="How many processes.")
@output_options
@pass_stack
def tune(  # noqa: PLR0917 - click passes them by name
    stack: Stack,
    pipeline: str,
    metric: str,
    direction: str,
    spaces: tuple[str, ...],
    fixed: tuple[str, ...],
    trials: int,
    name: str | None,
    seed: int,
    parallel: int,
) -> None:
    """Search for the parameters of PIPELINE that give the best METRIC.

    VALUES are a range such as 2..10 or 0.001..0.3:log, or a choice such as gini,entropy. Every trial is a run inside
    the run of the study. The same command goes on with a study that was broken off, until it has so many trials.
    """
    space = _read(spaces)
    given = stack.pipelines.project.pipeline(pipeline).parse(fixed)
    study = stack.experiments.study(name or f"tune {pipeline} {metric}", metric=metric, direction=direction, seed=seed)
    words = [pipeline, "--metric", metric, "--direction", direction, "--trials", str(trials), "--study", study.name]
    words += [word for text in spaces for word in ("-s", text)] + [word for text in fixed for word in ("-p", text)]
    others = [_beside(stack, words, seed + 7919 * number) for number in range(1, parallel)]
    try:
        with progress(f"Tuning {pipeline}", total=trials) as advance:
            advance(len(study.trials))
            tuner = load("stackcanvas.stack.tuning:tune")
            best = tuner(stack, study, pipeline, space=space, trials=trials, fixed=given, watch=lambda: advance(1))
    finally:
        ended = [other.wait() for other in others]
    if any(ended):
        raise Unavailable(f"{sum(map(bool, ended))} of {parallel} processes failed", fix="Their runs tell why")
    _tell(study, best)


def _tell(study: Any, best: Any) -> None:
    counts: dict[str, int] = {}
    for trial in study.trials:
        counts[trial.state] = counts.get(trial.state, 0) + 1
    say(f"{', '.join(f'{count} {state}' for state, count in counts.items())}; run of the study: {study.run_id}")
    emit_record(
        {
            "study": study.name,
            "run": study.run_id,
            "trials": counts,
            "best": best and best.id,
            study.metric: best and best.metrics[study.metric].value,
            "parameters": best and best.parameters,
        }
    )


def _read(spaces: tuple[str, ...]) -> dict[str, Space]:
    read = load("stackcanvas.experiments:read_space")
    found = {}
    for text in spaces:
        name, equals, values = text.partition("=")
        if not (name and equals):
            raise BadInput(f"{text!r} names no values to search", expected="NAME=VALUES, such as depth=2..10")
        found[name] = read(values)
    return found


def _beside(stack: Stack, words: list[str], seed: int) -> subprocess.Popen[bytes]:
    """The same search in another process, which tries something else."""
    command = [sys.executable, "-m", "stackcanvas.cli", "experiments", "tune", *words, "--seed", str(seed)]
    surroundings = {**os.environ, "STACKCANVAS_PROJECT": str(stack.root)}
    return subprocess.Popen(command, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
