"""`stackcanvas data split`, `splits` and `leakage`: parts to train and to test on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from stackcanvas.cli.commands import Command
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, say, wants_json
from stackcanvas.cli.project import pass_stack
from stackcanvas.errors import Usage

if TYPE_CHECKING:
    from stackcanvas.data.splits import Method, Split
    from stackcanvas.stack import Stack


@click.command(
    "split",
    cls=Command,
    example=(
        "stackcanvas data split flights",
        "stackcanvas data split flights --method stratified --by late --part train=0.7 --part test=0.3 --seed 7",
        "stackcanvas data split flights --method group --by plane",
        "stackcanvas data split flights --method time --by departure --at 2013-05-01",
    ),
)
@click.argument("ref")
@click.option(
    "--method",
    type=click.Choice(["random", "stratified", "group", "time"]),
    default="random",
    show_default=True,
    help="By row; equal shares of each value; whole entities; earlier before later.",
)
@click.option("--by", multiple=True, metavar="COLUMN", help="What the method looks at; repeat for several columns.")
@click.option("--part", "parts", multiple=True, metavar="NAME=SHARE", help="A part; train=0.8 and test=0.2 by default.")
@click.option("--at", multiple=True, metavar="INSTANT", help="With time: where each part but the first begins.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one gives another split.")
@click.option("--name", help="What stands before the slash; the name of the data set by default.")
@output_options
@pass_stack
def split(  # noqa: PLR0917 - click passes them by name
    stack: Stack,
    ref: str,
    method: str,
    by: tuple[str, ...],
    parts: tuple[str, ...],
    at: tuple[str, ...],
    seed: int,
    name: str | None,
) -> None:
    """Split a version into parts, each a data set of its own: flights/train and flights/test.

    The same version, method and seed give the same rows, bit for bit. Order and seed are on record with the parts.
    """
    shares = dict(_part(text) for text in parts)
    if len(shares) < len(parts):
        raise Usage("two parts have the same name", fix="Name each part once")
    made = stack.splits.make(ref, parts=shares, method=cast("Method", method), by=by, seed=seed, at=at, name=name)
    if wants_json():
        emit_record(made)
        return
    rows = sum(part.rows for part in made.parts)
    emit_rows(
        [{"part": one.name, "ref": one.ref, "rows": one.rows, "share": f"{one.rows / rows:.2%}"} for one in made.parts],
        columns=("part", "ref", "rows", "share"),
    )


@click.command("splits", cls=Command, example="stackcanvas data splits")
@output_options
@pass_stack
def splits(stack: Stack) -> None:
    """List the splits on record, newest first."""
    found = stack.splits.ls()
    rows: list[Split] | list[dict[str, object]] = found
    if not wants_json():
        rows = [
            {
                "made": one.made,
                "of": one.of,
                "method": " by ".join(filter(None, (one.method, ", ".join(one.by)))),
                "seed": one.seed,
                "parts": ", ".join(f"{part.ref.name}@{part.ref.selector} ({part.rows:,})" for part in one.parts),
            }
            for one in found
        ]
    emit_rows(
        rows,
        columns=("made", "of", "method", "seed", "parts"),
        empty="No split yet. Make one: stackcanvas data split NAME",
    )


@click.command(
    "leakage",
    cls=Command,
    example=(
        "stackcanvas data leakage flights/train flights/test --target late",
        "stackcanvas data leakage train test --entity user --time when",
    ),
)
@click.argument("train")
@click.argument("test")
@click.option(
    "--entity", multiple=True, metavar="COLUMN", help="Says who or what a row is about; that of the split by default."
)
@click.option("--time", metavar="COLUMN", help="Says when; that of a split by time by default.")
@click.option("--target", metavar="COLUMN", help="What a model is to tell.")
@output_options
@pass_stack
def leakage(  # noqa: PLR0917 - click passes them by name
    stack: Stack, train: str, test: str, entity: tuple[str, ...], time: str | None, target: str | None
) -> None:
    """Look for what the training part tells about the test part; exit code 1 when something surely leaks."""
    found = stack.splits.leakage(train, test, entity=entity, time=time, target=target)
    if wants_json():
        emit_record(found)
    else:
        emit_rows(
            found.leaks, columns=("severity", "kind", "said", "examples"), empty="Nothing leaks as far as was looked:"
        )
        looked = {"entity": ", ".join(found.looked.entity), "time": found.looked.time, "target": found.looked.target}
        missing = [f"--{name}" for name, value in looked.items() if not value]
        known = ", ".join(f"{name} {value}" for name, value in looked.items() if value)
        say(
            f"Looked at whole rows{f'; {known}' if known else ''}."
            + (f" Not at: {', '.join(missing)}." if missing else "")
        )
    if not found.sound:
        answer_no()


def _part(text: str) -> tuple[str, float]:
    name, equals, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        said = f"--part {text} gives no share" if equals else f"--part {text} is no pair"
        raise Usage(said, fix="Say it as in --part train=0.8") from None


COMMANDS = (split, splits, leakage)
