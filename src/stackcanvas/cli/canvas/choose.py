"""`canvas choose`: a tool for each block, why, and what would change the choice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackcanvas.cli.canvas.reading import read_canvas
from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import answer_no, emit_record, emit_rows, output_options, progress, say, wants_json
from stackcanvas.cli.project import canvas_file
from stackcanvas.errors import BadInput

if TYPE_CHECKING:
    from stackcanvas.canvas.choose import Choice, Stack
    from stackcanvas.stack.resolving import Resolution

_CHOOSING = "stackcanvas.stack.choosing"
_RESOLVING = "stackcanvas.stack.resolving"


@click.command(
    "choose",
    cls=Command,
    example=(
        "stackcanvas canvas choose",
        "stackcanvas canvas choose --explain serving",
        "stackcanvas canvas choose --prefer 'fewer tools=0'",
        "stackcanvas canvas choose --write docs/decisions",
    ),
)
@click.option("--explain", "block", metavar="BLOCK", help="All of one block: why, runner-up, what would change it.")
@click.option(
    "--prefer", multiple=True, metavar="NAME=WEIGHT", help="How much a preference matters; 0 not at all. Repeat."
)
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Tools of your own; by default catalogue.yaml beside the canvas.",
)
@click.option("--resolve", is_flag=True, help="Ask uv whether the Python packages can be installed together.")
@click.option(
    "--find-links",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="With --resolve: take packages from this folder only, without a network.",
)
@click.option(
    "--write", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write a decision record a block."
)
@click.option("--force", is_flag=True, help="With --write: also over records that were changed by hand.")
@click.option("--model", metavar="NAME", help="With the answers of this model.")
@click.option("--env", "environment", metavar="NAME", help="In this environment.")
@output_options
def choose(  # noqa: PLR0917 - click passes them by name
    block: str | None,
    prefer: tuple[str, ...],
    catalogue: Path | None,
    resolve: bool,
    find_links: Path | None,
    write: Path | None,
    force: bool,
    **whose: Any,
) -> None:
    """Choose a tool for each block: rules first, then preferences, solved exactly.

    Tools that the canvas names under dilemma.tooling are decided. With --resolve the exit code is 1 when the packages
    do not fit together.
    """
    canvas = read_canvas()
    root = canvas_file().parent
    stack: Stack = load(f"{_CHOOSING}:tools")(canvas, root=root, own=catalogue, weights=_weights(prefer), **whose)
    if write is not None:
        for file in load(f"{_CHOOSING}:write_records")(canvas, stack, folder=write, force=force):
            say(str(file))
    resolution = _resolve(stack, find_links) if resolve or find_links else None
    if wants_json():
        chosen = {"choices": stack.choices, "services": stack.services, "compiled": stack.compiled}
        emit_record({**chosen, "resolution": resolution} if resolution else chosen)
    elif block is not None:
        _explain(stack.choice(load("stackcanvas.canvas.questions:BLOCKS")[block].id))
    else:
        _show(stack)
    if resolution is not None:
        _tell(resolution)


def _weights(prefer: tuple[str, ...]) -> dict[str, float]:
    weights = {}
    for one in prefer:
        name, _, weight = one.partition("=")
        try:
            weights[name.strip()] = float(weight)
        except ValueError:
            raise BadInput(f"{one[:40]!r} is no preference", expected="NAME=WEIGHT, such as 'fewer tools=0'") from None
    return weights


def _show(stack: Stack) -> None:
    rows = [
        {
            "block": one.block,
            "tool": one.tool or f"({one.state})",
            "runner-up": one.runner_up or "",
            "margin": "" if one.margin is None else f"{one.margin:g}",
            "why": one.why[0] if one.why else "",
            "warning": " ".join(one.warnings),
        }
        for one in stack.choices
    ]
    columns = ["block", "tool", "runner-up", "margin", "why"]
    emit_rows(rows, columns=[*columns, "warning"] if any(row["warning"] for row in rows) else columns)
    if stack.services:
        click.echo(f"\nTo run beside the tools: {', '.join(stack.services)}.")
    click.echo(f"\nCatalogue of {stack.compiled}. More: stackcanvas canvas choose --explain BLOCK")


def _explain(choice: Choice) -> None:
    click.echo(f"{choice.block}: {choice.tool or 'no tool'} ({choice.state})")
    for sentence in (*choice.why, *choice.warnings):
        click.echo(f"  {sentence}")
    if choice.runner_up is not None and choice.margin is None:
        click.echo(f"\nBy the rules alone: {choice.runner_up}")
    elif choice.runner_up is not None:
        points = ", ".join(f"{name} {value:+g}" for name, value in choice.against.items())
        told = points or "only the order of the catalogue speaks against it"
        click.echo(f"\nNext best: {choice.runner_up}, {choice.margin:g} points worse ({told})")
    if choice.changes:
        click.echo("\nIt would be")
        for change in choice.changes:
            click.echo(f"  {change}")
    if choice.excluded:
        click.echo("\nLeft out")
        for one in choice.excluded:
            click.echo(f"  {one.tool}: {'; '.join(reason.said.rstrip('.') for reason in one.reasons)}")


def _resolve(stack: Stack, find_links: Path | None) -> Resolution:
    wanted = load(f"{_RESOLVING}:requirements")(stack)
    with progress("Asking uv") as step:
        found: Resolution = load(f"{_RESOLVING}:resolve")(wanted, folder=find_links, step=step)
    return found


def _tell(found: Resolution) -> None:
    if not wants_json():
        click.echo()
        for name, said in found.alone.items():
            click.echo(f"{name} cannot be installed even alone: {said}")
        if found.fits:
            click.echo(f"The packages fit together: {found.packages} in all for {', '.join(found.tools)}.")
        elif found.clash:
            click.echo(f"They cannot be installed together: {', '.join(found.clash)}.")
            if found.between is not None:
                click.echo(f"  {found.between[0]}, but {found.between[1]}.")
            else:
                click.echo(f"  The resolver says: {found.said}")
            click.echo("  Each can have an environment of its own; or choose another with --explain.")
    if not found.fits:
        answer_no()
