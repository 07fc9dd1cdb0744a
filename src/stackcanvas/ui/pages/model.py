"""What the page of a model version shows beside what every ref has."""

from __future__ import annotations

from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref
from stackcanvas.registry import ModelVersion
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, FactView, Table
from stackcanvas.ui.links import Links


def model_parts(stack: Stack, ref: Ref, links: Links) -> tuple[tuple[FactView, ...], tuple[Table, ...]]:
    """Facts and tables of a version; none of what is no version, or no longer one."""
    if ref.kind != "model":
        return (), ()
    try:
        version = stack.registry.get(ref)
    except NotFound:
        return (), ()
    return _facts(version, links), tuple(table for table in _tables(stack, version) if table.rows)


def _facts(version: ModelVersion, links: Links) -> tuple[FactView, ...]:
    said = {
        "aliases": ", ".join(version.aliases),
        "what it is": version.message or "",
        "stage": version.stage if version.stage != "None" else "",
        "size": show.size(version.size_bytes).text if version.is_held else "a pointer to files elsewhere",
        "needs": ", ".join(version.environment.get("requirements", ())),
        "from": version.source or "",
        **{f"tag {key}": value for key, value in version.tags.items()},
    }
    facts = [FactView(name, value) for name, value in said.items() if value]
    facts.append(FactView("card", "open", links.card(version.ref)))
    for name, found in (("trained on", version.training), ("run", version.run)):
        if found is not None:
            facts.append(FactView(name, str(found), links.ref(found)))
    return tuple(facts)


def _tables(stack: Stack, version: ModelVersion) -> list[Table]:
    gate = () if version.gate is None else version.gate.checks
    return [
        Table(
            "Measured",
            ("metric", "#value"),
            tuple((Cell(name), show.text(value)) for name, value in sorted(version.metrics.items())),
        ),
        Table(
            "Gate",
            ("metric", "rule", "finding"),
            tuple(
                (Cell(check.metric), show.state("passed" if check.passed else "refused"), Cell(check.said))
                for check in gate
            ),
        ),
        Table(
            "What it takes",
            ("column", "type", "may be missing"),
            tuple(
                (Cell(one.name), Cell(one.dtype), Cell("yes" if one.nullable else "no"))
                for one in version.signature.inputs
            ),
        ),
        Table(
            "What it gives",
            ("output", "type", "shape", "classes"),
            tuple(
                (Cell(one.name), Cell(one.dtype), Cell(str(list(one.shape))), Cell(", ".join(map(str, one.classes))))
                for one in version.signature.outputs
            ),
        ),
        _agreed(stack, version),
    ]


def _agreed(stack: Stack, version: ModelVersion) -> Table:
    given = stack.registry.consents.of(version.ref)
    rows = [(Cell(one.action), show.actor(one.actor), show.when(one.time), Cell(one.note)) for one in given]
    for one in stack.registry.consents.standing(version.ref):
        if one.missing:
            said = f"{one.missing} more {one.asked.role} must agree"
            rows.append((Cell(one.action), Cell(said, tone="warn"), show.when(None), Cell("")))
    return Table("Who agreed", ("to", "who", "when", "why"), tuple(rows))
