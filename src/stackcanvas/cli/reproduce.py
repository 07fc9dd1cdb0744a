"""`stackcanvas reproduce`: a run again, from its commit, its data and its packages, compared with the first one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import answer_no, emit_text, output_options, say
from stackcanvas.cli.project import pass_stack
from stackcanvas.plain import cell

if TYPE_CHECKING:
    from stackcanvas.stack import Stack
    from stackcanvas.stack.reproduce import Reproduction
    from stackcanvas.stack.reproduce.differences import Compared


@click.command(
    "reproduce",
    cls=Command,
    example=(
        "stackcanvas reproduce 01a2098daf6376378adceeb546f71150",
        "stackcanvas reproduce 01a2098daf6376378adceeb546f71150 --here --tolerance 0.001",
    ),
)
@click.argument("run_id", metavar="RUN")
@click.option("--here", is_flag=True, help="Use the packages of this environment, whatever the run had.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="How far metrics may lie apart, as a share of the larger one.",
)
@output_options
@pass_stack
def reproduce(stack: Stack, run_id: str, here: bool, tolerance: float) -> None:
    """Run again what RUN did, and say whether the same came of it.

    The commit is checked out into a folder of its own, uncommitted changes are applied, the recorded packages are
    installed when they differ from those of this process, and the pipeline or the command of the script runs as a new
    run. Ends with 0 when status, metrics and files are the same, with 1 when they are not.
    """
    found: Reproduction = load("stackcanvas.stack.reproduce:reproduce")(
        stack, run_id, here=here, tolerance=tolerance, output=_output(), tell=say
    )
    emit_text("\n".join(_lines(found)), data=found)
    if not found.same:
        answer_no()


def _output() -> object:
    """What the work prints goes to stderr, where that is a file that another process can write."""
    try:
        sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return sys.stderr


def _lines(found: Reproduction) -> Iterator[str]:
    metrics, files = _split(found.metrics), _split(found.files)
    verdict = click.style("the same", fg="green") if found.same else click.style("not the same", fg="red")
    yield f"Run {found.again} repeats {found.run}: {verdict}."
    counts = f"{len(metrics[0])} of {len(found.metrics)} metrics and {len(files[0])} of {len(found.files)} files"
    yield f"{counts} are equal."
    for one in metrics[1]:
        yield f"  metric {one.name}: {_value(one.first)} then, {_value(one.again)} now"
    for one in files[1]:
        yield f"  file {one.name}: {one.first or 'not there'} then, {one.again or 'not there'} now"
    if found.reasons:
        yield "Why that may be:"
        yield from (f"  {reason}." for reason in found.reasons)
    elif found.circumstances:
        names = ", ".join(one.name for one in found.circumstances[:8])
        yield f"The same although these differ: {names}."


def _split(compared: tuple[Compared, ...]) -> tuple[list[Compared], list[Compared]]:
    return [one for one in compared if one.same], [one for one in compared if not one.same]


def _value(value: object) -> str:
    return "nothing" if value is None else cell(value)
