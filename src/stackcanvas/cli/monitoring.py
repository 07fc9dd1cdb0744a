"""`stackcanvas monitoring` and `stackcanvas labels`: drift, performance, alerts, incidents; true outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_LIMIT = click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
_COLUMN = ("column", "drifted", "distance", "threshold", "p_value", "where", "before", "after")


@click.group(
    "monitoring",
    cls=Group,
    example=("stackcanvas monitoring drift delay", "stackcanvas monitoring performance delay --metric auc"),
)
def monitoring() -> None:
    """Drift, performance, alerts and incidents of the endpoints."""


@monitoring.command(
    "drift", example=("stackcanvas monitoring drift delay", "stackcanvas monitoring drift delay --history")
)
@click.argument("endpoint")
@click.option("--history", is_flag=True, help="A line for each window in place of the columns of the last one.")
@_LIMIT
@output_options
@pass_stack
def drift(stack: Stack, endpoint: str, history: bool, limit: int) -> None:
    """Show how far the traffic of the last window has moved from the training data of the live model."""
    if history:
        windows = stack.monitoring.drift_history(endpoint, limit=limit)
        rows = [
            {
                "start": one.start,
                "end": one.end,
                "model": one.model,
                "rows": one.report.rows_after,
                "share": one.report.share,
                "drifted": one.report.drifted,
                "columns": one.report.drifted_columns,
            }
            for one in windows
        ]
        columns = ("start", "end", "model", "rows", "share", "drifted", "columns")
        emit_rows(rows, columns=columns, empty="No window of traffic is over yet.")
        return
    last = stack.monitoring.drift(endpoint)
    if wants_json():
        emit_record(last)
        return
    say(f"{last.start:%Y-%m-%d %H:%M} to {last.end:%Y-%m-%d %H:%M} UTC against the training of {last.model}")
    say(
        f"{len(last.report.drifted_columns)} of {len(last.report.columns)} columns drifted"
        if last.report.judged
        else f"{last.report.rows_after} rows are too few to judge"
    )
    found = sorted(last.report.columns.values(), key=lambda one: (-one.distance, one.column))
    emit_rows(found, columns=_COLUMN)


@monitoring.command(
    "performance",
    example=("stackcanvas monitoring performance delay", "stackcanvas monitoring performance delay --metric auc"),
)
@click.argument("endpoint")
@click.option("--metric", help="Only this one.")
@_LIMIT
@output_options
@pass_stack
def performance(stack: Stack, endpoint: str, metric: str | None, limit: int) -> None:
    """Show the metrics of each version over each window, the newest first, as far as labels have come."""
    emit_rows(
        stack.monitoring.performance(endpoint, metric=metric, limit=limit),
        columns=("start", "end", "model", "metric", "value", "labels", "predictions"),
        empty=f"Nothing is measured yet. Labels come by: stackcanvas labels add {endpoint} FILE",
    )


@monitoring.command("conditions", example="stackcanvas monitoring conditions delay")
@click.argument("endpoint")
@output_options
@pass_stack
def conditions(stack: Stack, endpoint: str) -> None:
    """Show what holds at an endpoint: drift, decay, and each alert rule."""
    emit_rows(
        stack.monitoring.conditions(endpoint),
        columns=("name", "state", "since", "value", "about"),
        empty="Nothing was looked at yet.",
    )
    for name in stack.monitoring.unknown_figures(endpoint):
        say(f"An alert rule names {name}, which nothing computes: it never fires.")


@monitoring.command("alerts", example=("stackcanvas monitoring alerts", "stackcanvas monitoring alerts delay --firing"))
@click.argument("endpoint", required=False)
@click.option("--firing", is_flag=True, help="Only those that are not over.")
@_LIMIT
@output_options
@pass_stack
def alerts(stack: Stack, endpoint: str | None, firing: bool, limit: int) -> None:
    """List the alerts that fired, the newest first."""
    emit_rows(
        stack.monitoring.alerts(endpoint, firing_only=firing, limit=limit),
        columns=("fired", "resolved", "endpoint", "severity", "rule", "metric", "value", "bound"),
        empty="No alert.",
    )


@monitoring.command(
    "incidents", example=("stackcanvas monitoring incidents", "stackcanvas monitoring incidents delay --open")
)
@click.argument("endpoint", required=False)
@click.option("--open", "open_only", is_flag=True, help="Only those that are not over.")
@_LIMIT
@output_options
@pass_stack
def incidents(stack: Stack, endpoint: str | None, open_only: bool, limit: int) -> None:
    """List incidents, the newest first."""
    emit_rows(
        stack.monitoring.incidents.ls(endpoint, open_only=open_only, limit=limit),
        columns=("id", "opened", "closed", "endpoint", "opened_by", "closed_by", "reason"),
        empty="No incident.",
    )


@monitoring.command("open-incident", example='stackcanvas monitoring open-incident delay "the desk sees nonsense"')
@click.argument("endpoint")
@click.argument("reason")
@output_options
@pass_stack
def open_incident(stack: Stack, endpoint: str, reason: str) -> None:
    """Record that something is wrong at an endpoint; a roll back or a new live version closes it."""
    emit_record(stack.monitoring.incidents.open(endpoint, reason))


@monitoring.command("close-incident", example='stackcanvas monitoring close-incident ID --note "restarted the feed"')
@click.argument("incident")
@click.option(
    "--by",
    type=click.Choice(["fix", "rollback", "retraining"]),
    default="fix",
    show_default=True,
    help="What ended it.",
)
@click.option("--note", default="", help="What was done.")
@output_options
@pass_stack
def close_incident(stack: Stack, incident: str, by: str, note: str) -> None:
    """Record that an incident is over."""
    emit_record(stack.monitoring.incidents.close(incident, by=by, note=note))


@monitoring.command("look", example="stackcanvas monitoring look")
@output_options
@pass_stack
def look(stack: Stack) -> None:
    """Look at every endpoint now, as the worker of `stackcanvas up` does all the time."""
    looks = stack.monitoring.tick(stack.spine.clock.now())
    rows = [
        {
            "endpoint": one.endpoint,
            "drifted": None if one.drift is None else one.drift.drifted,
            "measured": len(one.measured),
            "events": one.happened,
        }
        for one in looks
    ]
    emit_rows(rows, columns=("endpoint", "drifted", "measured", "events"), empty="Nothing was due.")


@click.group(
    "labels",
    cls=Group,
    example=("stackcanvas labels add delay outcomes.csv", "stackcanvas labels counts delay"),
)
def labels() -> None:
    """True outcomes that arrive after the prediction."""


@labels.command("add", example="stackcanvas labels add delay outcomes.csv")
@click.argument("endpoint")
@click.argument("file", type=click.Path(path_type=Path))
@output_options
@pass_stack
def add(stack: Stack, endpoint: str, file: Path) -> None:
    """Take the true outcomes in FILE (.csv, .parquet, .json or .jsonl); the same file again changes nothing.

    Columns: prediction_id, or the entity's keys and event_time; value; observed_at, where it is known.
    """
    emit_record(stack.monitoring.labels.add_file(endpoint, file))


@labels.command("counts", example="stackcanvas labels counts delay")
@click.argument("endpoint")
@output_options
@pass_stack
def counts(stack: Stack, endpoint: str) -> None:
    """Count the labels of an endpoint, and those that found their prediction."""
    emit_record(stack.monitoring.labels.counts(endpoint))
