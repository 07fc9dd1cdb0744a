"""`stackcanvas lineage`: the way from a thing to what made it, or to what was made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackcanvas.cli.commands import Command, load
from stackcanvas.cli.output import emit_text, output_options
from stackcanvas.cli.project import pass_stack
from stackcanvas.plain import cell

if TYPE_CHECKING:
    from stackcanvas.metadata import Execution, Graph
    from stackcanvas.stack import Stack
    from stackcanvas.stack.lineage import Trail


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
    emit_text("\n".join(tree(found, down=down)), data=found)


def tree(trail: Trail, *, down: bool) -> list[str]:
    """The trail as lines, each thing under what leads to it; what came before is not repeated."""
    lines: list[str] = []
    indent = ""
    for step in trail.via[:-1]:
        lines.append(f"{indent}{step}")
        indent += "   "
    arrive, leave = ("used", "made") if down else ("made", "used")
    _grow(lines, trail.graph, str(trail.graph.root), indent=indent, role="", seen=set(), arrive=arrive, leave=leave)
    return lines


def _grow(
    lines: list[str], graph: Graph, ref: str, *, indent: str, role: str, seen: set[str], arrive: str, leave: str
) -> None:
    again = ref in seen
    works = dict.fromkeys(edge.execution for edge in graph.edges if str(edge.ref) == ref and edge.direction == arrive)
    said = f"{ref} ({role})" if role else ref
    lines.append(f"{indent}{said}{'  (as above)' if again and works else ''}")
    if again:
        return
    seen.add(ref)
    for work in works:
        lines.append(f"{indent}   {_describe(graph.execution(work))}")
        for edge in graph.edges:
            if edge.execution == work and edge.direction == leave:
                _grow(
                    lines,
                    graph,
                    str(edge.ref),
                    indent=f"{indent}      ",
                    role=edge.role,
                    seen=seen,
                    arrive=arrive,
                    leave=leave,
                )


def _describe(execution: Execution) -> str:
    code = execution.code.commit[:10] if execution.code.commit else "no commit"
    changed = " with changes" if execution.code.dirty else ""
    return f"{execution.kind}  {execution.state}  {cell(execution.started)}  {code}{changed}  {execution.id}"
