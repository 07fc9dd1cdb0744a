"""Tables that several pages and rooms show."""

from __future__ import annotations

from stackcanvas.metadata import Event, Execution
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links


def events_table(events: list[Event], links: Links, *, title: str = "Events") -> Table:
    """Events as a table."""
    rows = tuple(
        (
            show.count(event.sequence),
            show.when(event.time),
            Cell(event.name),
            show.ref(links, event.subject),
            show.text(event.payload, tone="soft"),
            show.actor(event.actor),
        )
        for event in events
    )
    columns = ("#number", "time", "event", "subject", "facts", "actor")
    return Table(title, columns, rows, "Nothing has happened yet.")


def executions_table(found: list[Execution], links: Links, *, title: str = "Executions") -> Table:
    """Executions as a table."""
    rows = tuple(
        (
            show.execution(links, one),
            show.ref(links, one.subject),
            show.state(one.state),
            show.when(one.started),
            show.took(one.duration_s),
            Cell(one.trigger),
            show.actor(one.actor, verified=one.verified),
            show.code(one.code),
        )
        for one in found
    )
    return Table(title, ("work", "about", "state", "started", "#took", "started by", "actor", "code"), rows)
