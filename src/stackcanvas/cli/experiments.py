"""`stackcanvas experiments`: experiments, their tracked runs, metrics and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, output_options, wants_json
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.experiments import RunInfo
    from stackcanvas.stack import Stack

_LIMIT = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most."
)


@click.group(
    "experiments",
    cls=Group,
    example=("stackcanvas experiments runs train --order-by 'metric.auc desc'", "stackcanvas experiments ls"),
)
def experiments() -> None:
    """Experiments and their runs: parameters, metrics, inputs and files."""


@experiments.command("ls", example="stackcanvas experiments ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the experiments, the newest first."""
    emit_rows(stack.experiments.experiments(), columns=("id", "name", "created", "tags"))


@experiments.command(
    "runs",
    example=(
        "stackcanvas experiments runs train --order-by 'metric.auc desc' --limit 5",
        "stackcanvas experiments runs --where 'metric.auc > 0.7' --where 'attribute.status = finished'",
    ),
)
@click.argument("experiment", required=False)
@click.option("--where", multiple=True, metavar="CONDITION", help="What a run must fulfil; may be repeated.")
@click.option(
    "--order-by", default="started desc", show_default=True, metavar="ORDER", help="Such as 'metric.auc desc'."
)
@_LIMIT
@output_options
@pass_stack
def runs(stack: Stack, experiment: str | None, where: tuple[str, ...], order_by: str, limit: int) -> None:
    """List the runs of an experiment, or of all.

    A condition compares metric.NAME, parameter.NAME, tag.NAME, dataset.name, dataset.digest or attribute.NAME (id,
    name, status, started, ended, actor, commit) by =, !=, >, >=, <, <=, LIKE or ILIKE.
    """
    found = stack.experiments.search(experiment, where=where, order_by=order_by, limit=limit)
    emit_rows(
        found if wants_json() else [_in_a_line(one) for one in found],
        columns=("id", "experiment", "name", "status", "started", "duration_s", "metrics"),
        empty="No run fulfils this. Every run of a pipeline is one: stackcanvas run NAME",
    )


@experiments.command("show", example="stackcanvas experiments show 01a2098daf6376378adceeb546f71150")
@click.argument("run_id", metavar="RUN")
@output_options
@pass_stack
def show(stack: Stack, run_id: str) -> None:
    """Show a run: parameters, metrics, inputs, code and packages."""
    found = stack.experiments.get(run_id)
    emit_record(found if wants_json() else _for_people(found))


@experiments.command(
    "compare",
    example="stackcanvas experiments compare 01a2098daf6376378adceeb546f71150 01a20990c43f7270956ac7c8e26e5c36",
)
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@output_options
@pass_stack
def compare(stack: Stack, run_ids: tuple[str, ...]) -> None:
    """Show in what runs differ: parameters, metrics, inputs, code, packages."""
    found = stack.experiments.compare(run_ids)
    emit_rows(found, columns=("what", *run_ids), empty="They are the same in everything that was recorded.")


@experiments.command("metrics", example="stackcanvas experiments metrics 01a2098daf6376378adceeb546f71150 loss")
@click.argument("run_id", metavar="RUN")
@click.argument("metric")
@output_options
@pass_stack
def metrics(stack: Stack, run_id: str, metric: str) -> None:
    """List every value of a metric of a run."""
    emit_rows(stack.experiments.metrics(run_id, metric), columns=("step", "time", "value"))


@experiments.command(
    "files",
    example=(
        "stackcanvas experiments files 01a2098daf6376378adceeb546f71150",
        "stackcanvas experiments files 01a2098daf6376378adceeb546f71150 --to files",
    ),
)
@click.argument("run_id", metavar="RUN")
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), help="Write them into this folder.")
@output_options
@pass_stack
def files(stack: Stack, run_id: str, target: Path | None) -> None:
    """List the files of a run, or write them into a folder."""
    stack.experiments.get(run_id)
    found = stack.experiments.files.walk(run_id)
    if target is not None:
        for one in found:
            path = target / one.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stack.experiments.files.get(run_id, one.path))
    emit_rows(found, columns=("path", "size_bytes"), empty="The run has no files.")


def _in_a_line(run: RunInfo) -> dict[str, object]:
    facts = {name: getattr(run, name) for name in ("id", "experiment", "name", "status", "started", "duration_s")}
    return facts | {"metrics": {name: metric.value for name, metric in run.metrics.items()}}


def _for_people(run: RunInfo) -> dict[str, object]:
    """The run with a parameter, a metric and an input a line each."""
    return {
        **_in_a_line(run),
        "parameters": "\n".join(f"{name}  {value}" for name, value in run.parameters.items()),
        "metrics": "\n".join(f"{name}  {metric.value:.6g}" for name, metric in run.metrics.items()),
        "tags": run.tags,
        "inputs": "\n".join(one.source for one in run.inputs),
        "actor": run.actor,
        "commit": run.code.commit,
        "dirty": run.code.dirty,
        "seed": run.seed,
        "host": run.host,
        "environment": run.environment,
    }
