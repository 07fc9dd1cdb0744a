"""Records of the metadata store: executions, events, the audit log."""

from __future__ import annotations

from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room
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
            executions_table(stack.spine.executions.search(limit=50), links),
            events_table(stack.spine.events.latest(limit=30), links),
            audit,
        )
    )
