"""`stackcanvas predictions`: predict, and read the prediction log."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import BadInput

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_ROW = ("prediction_id", "time", "model", "status", "output", "latency_us")
_SERVED = ("endpoint", "state", "variants", "revision", "error")


@click.group(
    "predictions",
    cls=Group,
    example=("stackcanvas predictions ask delay flights.json", "stackcanvas predictions ls delay"),
)
def predictions() -> None:
    """Predict, and read what was predicted."""


@predictions.command(
    "ask", example=("stackcanvas predictions ask delay flights.json", "stackcanvas predictions ask delay -")
)
@click.argument("endpoint")
@click.argument("records", type=click.File("r", encoding="utf-8"))
@output_options
@pass_stack
def ask(stack: Stack, endpoint: str, records: IO[str]) -> None:
    """Have records predicted by the running prediction server.

    RECORDS is a JSON file, a list of objects with a value for each feature; - reads it from standard input.
    """
    try:
        given = json.load(records)
    except ValueError as error:
        raise BadInput(f"it is not JSON: {error}", where=records.name, expected='[{"FEATURE": value}]') from error
    rows = given if isinstance(given, list) else [given]
    found: list[dict[str, Any]] = load("stackcanvas.stack.asking:ask")(stack, endpoint, rows)
    emit_rows(found, columns=("prediction_id", "output", "variant", "fallback"))


@predictions.command("ls", example="stackcanvas predictions ls delay --limit 5")
@click.argument("endpoint")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@output_options
@pass_stack
def ls(stack: Stack, endpoint: str, limit: int) -> None:
    """List the last predictions of an endpoint, newest first."""
    empty = f"Nothing was predicted at {endpoint} yet."
    emit_rows(stack.serving.log.tail(endpoint, limit=limit), columns=_ROW, empty=empty)


@predictions.command("show", example="stackcanvas predictions show 01a209852a8577619f02979de19fcdc1")
@click.argument("prediction_id")
@output_options
@pass_stack
def show(stack: Stack, prediction_id: str) -> None:
    """Show one prediction: its features, its output, and who answered."""
    emit_record(stack.serving.log.get(prediction_id))


@predictions.command("status", example="stackcanvas predictions status")
@output_options
@pass_stack
def status(stack: Stack) -> None:
    """Show what the prediction server serves, and why not, where it does not."""
    empty = "The prediction server of this project has not run yet. Start it with: stackcanvas up"
    emit_rows(stack.serving.served(), columns=_SERVED, empty=empty)


@predictions.command("compact", example="stackcanvas predictions compact")
@output_options
@pass_stack
def compact(stack: Stack) -> None:
    """Move ended segments of the log into Parquet files by day, as the worker does by itself."""
    emit_record(stack.serving.log.compact())
