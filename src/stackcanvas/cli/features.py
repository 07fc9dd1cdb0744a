"""`stackcanvas features`: feature views, training sets, the online store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.commands import Group, load
from stackcanvas.cli.output import emit_record, emit_rows, output_options
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack


@click.group("features", cls=Group, example=("stackcanvas features ls", "stackcanvas features materialize"))
def features() -> None:
    """Feature views, training sets, the online store.

    Views are defined in features.py beside the canvas.
    """


@features.command("ls", example=("stackcanvas features ls", "stackcanvas features ls delay --owner ada"))
@click.argument("words", nargs=-1)
@click.option("--tag", help="Only views that carry this tag.")
@click.option("--owner", help="Only views of this owner.")
@output_options
@pass_stack
def ls(stack: Stack, words: tuple[str, ...], tag: str | None, owner: str | None) -> None:
    """List the views and how far each has come online; WORDS must stand in name, features, description or tags."""
    found = {one.name for one in stack.features.search(" ".join(words), tag=tag, owner=owner)}
    emit_rows(
        [one for one in stack.features.status() if one.view in found],
        columns=("view", "kind", "keys", "source", "features", "ttl_s", "online_until", "owner"),
        empty="No such feature view. Define them in features.py with sc.FeatureView.",
    )


@features.command("services", example="stackcanvas features services")
@output_options
@pass_stack
def services(stack: Stack) -> None:
    """List the feature services: named lists of features."""
    found = sorted(stack.features.catalog.services.values(), key=lambda one: one.name)
    emit_rows(
        found,
        columns=("name", "features", "description", "owner"),
        empty="The project has no feature services. Define them in features.py with sc.FeatureService.",
    )


@features.command("show", example="stackcanvas features show weather")
@click.argument("view")
@output_options
@pass_stack
def show(stack: Stack, view: str) -> None:
    """Show the definition of a view, which models take it and what was made of it."""
    found = stack.features.describe(view)
    if view not in stack.features.catalog.services:
        taken = load("stackcanvas.stack.finding:takers")(stack)
        found["models"] = sorted({str(ref) for (of, _), refs in taken.items() if of == view for ref in refs})
    emit_record(found, fields=[name for name in found if name != "formulas"])


@features.command("stats", example="stackcanvas features stats weather")
@click.argument("view")
@output_options
@pass_stack
def stats(stack: Stack, view: str) -> None:
    """Show what the values of a view's features are like, over all rows of its data."""
    emit_rows(
        stack.features.statistics(view),
        columns=("feature", "dtype", "rows", "nulls", "distinct", "smallest", "mean", "largest"),
        empty="The view has no features.",
    )


@features.command(
    "materialize",
    example=(
        "stackcanvas features materialize",
        "stackcanvas features materialize weather --until 2013-05-01T00:00:00Z",
    ),
)
@click.argument("views", nargs=-1)
@click.option("--until", metavar="INSTANT", help="Rows known by then; now unless given. ISO form with a time zone.")
@click.option("--rebuild", is_flag=True, help="Write everything anew, without what newer data took back.")
@output_options
@pass_stack
def materialize(stack: Stack, views: tuple[str, ...], until: str | None, *, rebuild: bool) -> None:
    """Bring the online store up to date, for some views or for all.

    What is there already is not written again; one that was interrupted is made whole by the next one.
    """
    instant = None if until is None else _instant(until)
    found = stack.features.materialize(views or None, until=instant, rebuild=rebuild)
    load("stackcanvas.stack.featuring:publish")(stack)
    emit_rows(found, columns=("view", "source", "until", "rows"), empty="The project has no feature views.")


@features.command(
    "training-set",
    example=(
        "stackcanvas features training-set churn-training customers@3 --time asked_at --view usage --view plan",
        "stackcanvas features training-set --rebuild churn-training@1 --verify",
    ),
)
@click.argument("name", required=False)
@click.argument("entities", required=False)
@click.option("--time", metavar="COLUMN", help="When each row is asked.")
@click.option(
    "--view", "views", multiple=True, metavar="VIEW", help="A view, VIEW:FEATURE or service; may be repeated."
)
@click.option("--timezone", metavar="ZONE", help="The zone of times that say none, such as Europe/Berlin.")
@click.option("--full-names", is_flag=True, help="Call the columns VIEW__FEATURE.")
@click.option("--message", default="", help="Why, in a few words.")
@click.option("--rebuild", metavar="REF", help="Make this training set again from what its record says.")
@click.option("--verify", is_flag=True, help="With --rebuild: only compare to the bit; commit nothing.")
@output_options
@pass_stack
def training_set(stack: Stack, /, rebuild: str | None, *, verify: bool, **wanted: Any) -> None:
    """Join features to the rows of ENTITIES as known at their time, and commit the result as NAME.

    ENTITIES is a data version, or a CSV, Parquet or JSON lines file.

    With --rebuild a training set is made again from the same versions; the exit code is 1 when it comes out otherwise.
    """
    if rebuild is not None:
        _rebuild(stack, rebuild, verify=verify, unused=[name for name, value in wanted.items() if value])
        return
    missing = [name for name in ("name", "entities", "time", "views") if not wanted[name]]
    if missing or verify:
        said = "--verify goes with --rebuild" if verify else f"missing: {', '.join(missing)}"
        raise click.UsageError(f"{said}. Say NAME ENTITIES --time COLUMN --view VIEW, or --rebuild REF.")
    name, entities = wanted.pop("name"), wanted.pop("entities")
    if Path(entities).is_file():
        entities = Path(entities)
    made = stack.features.training_set(name, entities, **wanted)
    emit_record(made, fields=("ref", "rows", "digest", "created", "message"))


def _rebuild(stack: Stack, ref: str, *, verify: bool, unused: Sequence[str]) -> None:
    if unused:
        raise click.UsageError(f"{unused[0]} does not go with --rebuild: the record of the training set says it.")
    done = stack.features.rebuild(ref, verify=verify)
    made = None if done.made is None else done.made.ref
    emit_record({"ref": done.ref, "equal": done.equal, "differs": list(done.differs), "rows": done.rows, "made": made})
    if not done.equal:
        click.get_current_context().exit(1)


@features.command(
    "push", example=("stackcanvas features push clicks new.parquet", "stackcanvas features push clicks new.csv")
)
@click.argument("view")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output_options
@pass_stack
def push(stack: Stack, view: str, file: Path) -> None:
    """Bring the rows of FILE (Parquet, CSV or JSON lines) online at once; of a stream, also into its data set."""
    rows = load("stackcanvas.features.files:read_rows")(file, instants=stack.features.get(view).times)
    kept = stack.features.push(view, rows)
    emit_record({"view": view, "rows": rows.height, "newer": kept})


@features.command("fold", example="stackcanvas features fold clicks")
@click.argument("views", nargs=-1)
@output_options
@pass_stack
def fold(stack: Stack, views: tuple[str, ...]) -> None:
    """Make pushed rows part of the next version of their data sets; the worker does it by itself."""
    emit_rows(
        stack.features.fold(views or None), columns=("ref", "rows", "message"), empty="No pushed rows are waiting."
    )


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
    emit_record(stack.features.online(names, [dict(_pair(key) for key in keys)])[0], named=False)


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
