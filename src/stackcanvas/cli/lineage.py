"""`stackcanvas lineage`: the way from a thing to what made it, or to what was made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options
from stackcanvas.cli.project import pass_stack
from stackcanvas.plain import cell

if TYPE_CHECKING:
    from stackcanvas.stack import Stack
    from stackcanvas.stack.lineage import Trail
    from stackcanvas.stack.trees import Branch, Work

_INDENT = "   "


@click.command(
    "lineage",
    cls=Command,
    example=("stackcanvas lineage model:delay@champion", "stackcanvas lineage data:flights@1 --down"),
)
@click.argument("ref")
@click.option("--down", is_flag=True, help="Walk to what was made from it.")
@output_options
@pass_stack
def lineage(stack: Stack, ref: str, down: bool) -> None:
    """Walk from a ref to what it came from: data version, code, training, model, prediction.

    REF is kind:name[@selector], such as data:flights@3, model:delay@champion, run:ID or prediction:ID.
    """
    parse = load("stackcanvas.metadata:Ref").parse
    found: Trail = load("stackcanvas.stack.lineage:trail")(stack, parse(ref), downstream=down)
    emit_text("\n".join(lines(found, down=down)), data=found)


def lines(trail: Trail, *, down: bool) -> list[str]:
    """The trail as lines, each thing under what leads to it."""
    told = [f"{_INDENT * depth}{ref}" for depth, ref in enumerate(trail.via[:-1])]
    _grow(told, load("stackcanvas.stack.trees:grow")(trail.graph, down=down), indent=_INDENT * len(told))
    return told


def _grow(told: list[str], branch: Branch, *, indent: str) -> None:
    note = "  (as above)" if branch.told else "  (more: ask for its lineage)" if branch.cut else ""
    role = f" ({branch.role})" if branch.role else ""
    told.append(f"{indent}{branch.ref}{role}{note}")
    for work in branch.works:
        told.append(f"{indent}{_INDENT}{_describe(work)}")
        for one in work.branches:
            _grow(told, one, indent=f"{indent}{_INDENT * 2}")


def _describe(work: Work) -> str:
    execution = work.newest
    times = f" x {len(work.executions)}, last" if len(work.executions) > 1 else ""
    code = execution.code.commit[:10] if execution.code.commit else "no commit"
    changed = " with changes" if execution.code.dirty else ""
    return f"{execution.kind}{times}  {execution.state}  {cell(execution.started)}  {code}{changed}  {execution.id}"
