"""The page of one execution: a piece of work as recorded."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.metadata import Execution
from stackcanvas.plain import cell
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, FactView, RecordPage, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.tables import executions_table


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """One execution: what started it, what it used and made, what was done inside it."""
    found = stack.spine.executions.get(asked["id"])
    edges = stack.spine.lineage.of(found.id)
    used_and_made = Table(
        "Used and made",
        ("", "what", "as", "when"),
        tuple(
            (
                Cell(edge.direction, tone="soft"),
                show.ref(links, edge.ref),
                Cell(edge.role, tone="soft"),
                show.when(edge.time),
            )
            for edge in edges
        ),
        "It named nothing that it used or made.",
    )
    inside = stack.spine.executions.search(parent=found.id)
    tables = (used_and_made, *((executions_table(inside, links, title="Work inside it"),) if inside else ()))
    page = RecordPage("Execution", found.kind, _facts(found, links), tables=tables, warning=found.error)
    return Page("record.html", found.kind, page)


def _facts(found: Execution, links: Links) -> tuple[FactView, ...]:
    facts = [
        FactView("state", found.state, tone=show.state(found.state).tone),
        FactView("started", cell(found.started)),
        FactView("took", show.took(found.duration_s).text),
        FactView("started by", found.trigger),
        FactView("actor", show.actor(found.actor, verified=found.verified).text),
        FactView("code", show.code(found.code).text or "not known"),
        FactView("id", found.id),
    ]
    if found.subject is not None:
        facts.append(FactView("about", str(found.subject), links.ref(found.subject)))
    if found.parent is not None:
        facts.append(FactView("part of", found.parent, links.ref(f"execution:{found.parent}")))
    facts += [FactView(name, cell(value)) for name, value in found.parameters.items()]
    return tuple(fact for fact in facts if fact.value)
