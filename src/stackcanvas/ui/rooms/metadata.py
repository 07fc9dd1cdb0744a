"""Records of the metadata store: executions, events, the audit log."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.units import format_duration
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table
from stackcanvas.ui.tables import events_table, executions_table


def room(stack: Stack, links: Links) -> Room:
    """The last executions, events and decisions."""
    entries = stack.spine.audit.entries(limit=20)
    audit = Table(
        "Audit log",
        ("#entry", "time", "actor", "decision", "about", "facts"),
        tuple(
            (
                show.count(entry.sequence),
                show.when(entry.time),
                show.actor(entry.actor, verified=entry.verified),
                Cell(entry.action),
                show.ref(links, entry.subject),
                show.text(entry.detail, tone="soft"),
            )
            for entry in entries
        ),
        "No decision was recorded yet.",
    )
    return Room(
        (
            _kept(stack),
            *_erased(stack, links),
            executions_table(stack.spine.executions.search(limit=50), links),
            events_table(stack.spine.events.latest(limit=30), links),
            audit,
        )
    )


def _kept(stack: Stack) -> Table:
    """How long is kept what, and what went last."""
    last: dict[str, tuple[Cell, str]] = {}
    for work in reversed(stack.keeping.applied()):
        for entry in stack.spine.audit.entries(subject=work.ref, limit=1):
            for what in work.parameters.get("keep_s", {}):
                gone = [count for name, count in entry.detail.items() if name.endswith(what)]
                last[what] = show.when(work.started), str(gone[0] if gone else 0)

    def rows() -> Iterator[tuple[Cell, ...]]:
        for rule in stack.keeping.rules():
            when, went = last.get(rule.what, (Cell("never"), ""))
            kept = "for good" if rule.keep is None else format_duration(rule.keep)
            yield Cell(rule.what), Cell(kept), when, Cell(went), Cell(rule.question)

    columns = ("what", "is kept", "enforced", "#went then", "answer")
    return table("What is kept how long", columns, rows, empty="")


def _erased(stack: Stack, links: Links) -> tuple[Table, ...]:
    """When rows of persons were erased: counts, never whose; left out where that was never asked."""

    def rows() -> Iterator[tuple[Cell, ...]]:
        for work in stack.keeping.erasures():
            entries = stack.spine.audit.entries(subject=work.subject, limit=1000) if work.subject else []
            told = next((one.detail for one in entries if one.action == work.kind and one.time >= work.started), {})
            yield (
                show.execution(links, work),
                show.ref(links, work.subject),
                Cell(str(work.parameters.get("column", ""))),
                Cell(str(told.get("rows", ""))),
                Cell(str(told.get("models", ""))),
                show.state(work.state),
                show.when(work.started),
            )

    columns = ("work", "begun with", "by column", "#rows", "#models", "state", "when")
    found = table("Rows of persons that were erased", columns, rows, empty="")
    return (found,) if found.rows else ()
