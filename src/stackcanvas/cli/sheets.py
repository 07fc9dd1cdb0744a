"""`stackcanvas data sheet` and `croissant`: versions described for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_record, emit_text, output_options, say
from stackcanvas.cli.project import pass_stack

if TYPE_CHECKING:
    from stackcanvas.stack import Stack

_OUT = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file.")


@click.command(
    "sheet",
    cls=Command,
    example=("stackcanvas data sheet flights --new", "stackcanvas data sheet flights --out docs/data/flights.md"),
)
@click.argument("ref")
@click.option("--new", is_flag=True, help="Write a file with the questions, to be answered in the project.")
@_OUT
@output_options
@pass_stack
def sheet(stack: Stack, ref: str, new: bool, out: Path | None) -> None:
    """Print the data sheet of a version: what the records know, and what people answered in docs/data/NAME.yaml."""
    name = stack.data.get(ref).name
    if new:
        path = stack.data.sheet_answers(name)
        load("stackcanvas.data.sheet:blank")(path)
        emit_record({"answers": str(path)})
        return
    found = stack.data.sheet(ref)
    _give(found.markdown(), out, data=found)
    if found.unanswered:
        say(f"{len(found.unanswered)} questions are open. Answer them in {stack.data.sheet_answers(name)} (--new).")


@click.command("croissant", cls=Command, example="stackcanvas data croissant flights@3 --out flights.json")
@click.argument("ref")
@_OUT
@output_options
@pass_stack
def croissant(stack: Stack, ref: str, out: Path | None) -> None:
    """Print a version as Croissant, the JSON-LD by which data sets are described and found."""
    found = stack.data.croissant(ref)
    _give(json.dumps(found, indent=2, ensure_ascii=False) + "\n", out, data=found)


def _give(text: str, out: Path | None, *, data: object) -> None:
    if out is None:
        emit_text(text.rstrip("\n"), data=data)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    emit_record({"written": str(out)})


COMMANDS = (sheet, croissant)
"""The verbs, for the group `data`."""
