"""`stackcanvas features`: feature views, training sets, the online store."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Group
from stackcanvas.cli.output import emit_record, emit_rows, output_options
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack


@click.group("features", cls=Group, example=("stackcanvas features ls", "stackcanvas features materialize"))
def features() -> None:
    """Feature views, training sets, the online store.

    Views are defined in features.py beside the canvas.
    """


@features.command("ls", example="stackcanvas features ls")
@output_options
@pass_stack
def ls(stack: Stack) -> None:
    """List the views and how far each has come online."""
    emit_rows(
        stack.features.status(),
        columns=("view", "keys", "source", "features", "ttl_s", "online_until"),
        empty="The project has no feature views. Define them in features.py with sc.FeatureView.",
    )


@features.command("show", example="stackcanvas features show weather")
@click.argument("view")
@output_options
@pass_stack
def show(stack: Stack, view: str) -> None:
    """Show the definition of a view."""
    found = stack.features.get(view)
    emit_record({"ref": found.ref, **found.definition})


@features.command(
    "materialize",
    example=(
        "stackcanvas features materialize",
        "stackcanvas features materialize weather --until 2013-05-01T00:00:00Z",
    ),
)
@click.argument("views", nargs=-1)
@click.option("--until", metavar="INSTANT", help="Rows known by then; now unless given. ISO form with a time zone.")
@output_options
@pass_stack
def materialize(stack: Stack, views: tuple[str, ...], until: str | None) -> None:
    """Bring the online store up to date, for some views or for all."""
    found = stack.features.materialize(views or None, until=None if until is None else _instant(until))
    emit_rows(found, columns=("view", "source", "until", "rows"), empty="The project has no feature views.")


@features.command(
    "training-set",
    example="stackcanvas features training-set churn-training customers@3 --time asked_at --view usage --view plan",
)
@click.argument("name")
@click.argument("entities")
@click.option("--time", required=True, metavar="COLUMN", help="When each row is asked.")
@click.option("--view", "views", multiple=True, required=True, metavar="VIEW", help="A view to join; may be repeated.")
@click.option("--message", default="", help="Why, in a few words.")
@output_options
@pass_stack
def training_set(  # noqa: PLR0917 - click passes them by name
    stack: Stack, name: str, entities: str, time: str, views: tuple[str, ...], message: str
) -> None:
    """Join features to the rows of the data version ENTITIES as known at their time, and commit the result as NAME."""
    made = stack.features.training_set(name, entities, views=views, time=time, message=message)
    emit_record(made, fields=("ref", "rows", "digest", "created", "message"))


@features.command(
    "get",
    example="stackcanvas features get weather:temp weather:wind_speed --key origin=JFK",
)
@click.argument("names", nargs=-1, required=True, metavar="VIEW:FEATURE...")
@click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    metavar="COLUMN=VALUE",
    help="A key; repeat for several. 42 is a number, '\"42\"' a text.",
)
@output_options
@pass_stack
def get(stack: Stack, names: tuple[str, ...], keys: tuple[str, ...]) -> None:
    """Read features of one key from the online store; VIEW:* reads all of a view."""
    emit_record(stack.features.online(names, [dict(_pair(key) for key in keys)])[0])


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter(f"{text!r} is no instant with a time zone, such as 2013-05-01T00:00:00Z")
    return found


def _pair(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} has no value; write {text}=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
