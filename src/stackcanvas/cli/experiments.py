"""`stackcanvas experiments`: experiments, their tracked runs, metrics and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options, progress, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.cli.spark import spark
from stackcanvas.cli.tune import tune
from stackcanvas.plain import cell

if TYPE_CHECKING:
    from stackcanvas.experiments import RunInfo
    from stackcanvas.stack import Stack

_MOST_METRICS, _MOST_CURVES = 5, 50
_SYSTEM = "system/"

_WHERE = click.option(
    "--filter", "where", multiple=True, metavar="FILTER", help="What a run must fulfil; several must all hold."
)
_ORDER = click.option(
    "--order-by", default="started desc", show_default=True, metavar="ORDER", help="Such as 'metrics.auc desc'."
)


@click.group(
    "experiments",
    cls=Group,
    example=("stackcanvas experiments search train --order-by 'metrics.auc desc'", "stackcanvas experiments ls"),
)
def experiments() -> None:
    """Experiments and their runs: parameters, metrics, inputs and files.

    A RUN is told by its id, by the beginning of it, or by its name where no other run has it.
    """


@experiments.command("ls", example="stackcanvas experiments ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the experiments, the newest first."""
    emit_rows(stack.experiments.experiments(), columns=("id", "name", "created", "tags"))


@experiments.command(
    "search",
    example=(
        "stackcanvas experiments search train --order-by 'metrics.auc desc' --limit 5",
        "stackcanvas experiments search --filter \"metrics.auc > 0.7 AND params.depth = '6'\"",
    ),
)
@click.argument("experiment", required=False)
@_WHERE
@_ORDER
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="How many to leave out before.")
@output_options
@pass_stack
def search(  # noqa: PLR0917 - click passes them by name
    stack: Stack, experiment: str | None, where: tuple[str, ...], order_by: str, limit: int, offset: int
) -> None:
    """List the runs of an experiment, or of all, that fulfil a filter.

    A filter compares metrics.NAME, params.NAME, tags.NAME, datasets.name, datasets.digest, or id, name, status,
    started, ended, actor, commit by =, !=, >, >=, <, <=, LIKE, ILIKE, IN, IS NULL; several are joined by AND.
    """
    found = stack.experiments.search(experiment, where=where, order_by=order_by, limit=limit, offset=offset)
    names = _common(found)
    emit_rows(
        found if wants_json() else [_in_a_line(one, names) for one in found],
        columns=("id", "experiment", "name", "status", "started", "duration_s", *names),
        empty="No run fulfils this. Every run of a pipeline is one: stackcanvas run NAME",
    )


@experiments.command("show", example="stackcanvas experiments show 01a2098daf6376378adceeb546f71150")
@click.argument("run_id", metavar="RUN")
@output_options
@pass_stack
def show(stack: Stack, run_id: str) -> None:
    """Show a run: parameters, metrics, inputs, code, packages and where it comes from."""
    found = stack.experiments.get(run_id)
    children = stack.experiments.children(found.id)
    origin = stack.experiments.origins.get(found.id)
    if wants_json():
        facts = {name: getattr(found, name) for name in type(found).__dataclass_fields__}
        facts |= {"parent": found.parent, "missing": found.missing, "children": [one.id for one in children]}
        emit_record(facts | {"origin": origin})
        return
    command = " ".join(origin.command) if origin else ""
    told = _for_people(stack, found) | {"command": command, "children": len(children) or None}
    emit_record({name: value for name, value in told.items() if value is not None and value != ""})


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
    columns = tuple(found[0]) if found else ()
    emit_rows(found, columns=columns, empty="They are the same in everything that was recorded.")


@experiments.command(
    "curves",
    example=(
        "stackcanvas experiments curves loss 01a2098daf6376378adceeb546f71150",
        "stackcanvas experiments curves loss 01a2098daf6376378adceeb546f71150 01a20990c43f7270956ac7c8e26e5c36",
    ),
)
@click.argument("metric")
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@output_options
@pass_stack
def curves(stack: Stack, metric: str, run_ids: tuple[str, ...]) -> None:
    """Draw a metric of runs over their steps, a line each; as JSON, every value."""
    rows = []
    for run in [stack.experiments.get(run_id) for run_id in run_ids]:
        points = stack.experiments.metrics(run.id, metric)
        values = [point.value for point in points]
        ends = {"first": values[0], "last": values[-1]} if values else {}
        told = {"run": run.id, "name": run.name, **ends, "values": len(values)}
        rows.append(told | ({"points": points} if wants_json() else {"curve": spark(values)}))
    emit_rows(rows, columns=("run", "name", "first", "last", "values", "curve"))


@experiments.command(
    "export",
    example=(
        "stackcanvas experiments export runs.csv",
        "stackcanvas experiments export best.parquet --experiment train --filter 'metrics.auc > 0.7'",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--experiment", metavar="NAME", help="Only its runs.")
@_WHERE
@_ORDER
@output_options
@pass_stack
def export(stack: Stack, file: Path, experiment: str | None, where: tuple[str, ...], order_by: str) -> None:
    """Write runs as a table into FILE (.csv, .parquet, .arrow or .json), a column a parameter, metric and tag."""
    with progress("Reading runs"):
        rows = stack.experiments.frame(experiment, where=where, order_by=order_by)
    load("stackcanvas.experiments.frame:write_frame")(rows, file)
    say(f"{rows.height} runs, {rows.width} columns")
    emit_record({"file": str(file), "runs": rows.height, "columns": rows.width})


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
    run_id = stack.experiments.get(run_id).id
    found = stack.experiments.files.walk(run_id)
    if target is not None:
        for one in found:
            path = target / one.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stack.experiments.files.get(run_id, one.path))
    emit_rows(found, columns=("path", "size_bytes"), empty="The run has no files.")


experiments.add_command(tune)


def _common(runs: list[RunInfo]) -> list[str]:
    """The metrics that most of the runs have, but not how busy the machine was."""
    counts: dict[str, int] = {}
    for run in runs:
        for name in run.metrics:
            if not name.startswith(_SYSTEM):
                counts[name] = counts.get(name, 0) + 1
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_METRICS])


def _in_a_line(run: RunInfo, names: list[str]) -> dict[str, Any]:
    facts = {name: getattr(run, name) for name in ("id", "experiment", "name", "status", "started", "duration_s")}
    return facts | {name: run.metrics[name].value if name in run.metrics else None for name in names}


def _for_people(stack: Stack, run: RunInfo) -> dict[str, Any]:
    """The run with a parameter, a metric and an input a line each."""
    return {
        **_in_a_line(run, []),
        "parameters": "\n".join(f"{name}  {value}" for name, value in run.parameters.items()),
        "metrics": "\n".join(_metric(stack, run, name, drawn=at < _MOST_CURVES) for at, name in enumerate(run.metrics)),
        "missing": ", ".join(run.missing),
        "tags": run.tags,
        "inputs": "\n".join(one.source for one in run.inputs),
        "parent": run.parent,
        "actor": run.actor,
        "commit": run.code.commit,
        "dirty": run.code.dirty,
        "seed": run.seed,
        "host": run.host,
        "environment": run.environment,
    }


def _metric(stack: Stack, run: RunInfo, name: str, *, drawn: bool) -> str:
    values = [point.value for point in stack.experiments.outline(run.id, name)] if drawn else []
    curve = f"  {spark(values)}" if len(values) > 1 else ""
    return f"{name}  {cell(run.metrics[name].value)}{curve}"
