"""Records of experiments: the last runs with their metrics."""

from __future__ import annotations

from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room

_MOST_METRICS = 6


def room(stack: Stack, links: Links) -> Room:
    """The last runs, a column for each of their common metrics."""
    runs = stack.experiments.search(limit=50)
    names = sorted({name for run in runs for name in run.metrics})[:_MOST_METRICS]
    rows = tuple(
        (
            Cell(run.name, links.ref(run.ref)),
            Cell(run.experiment),
            show.state(run.status),
            show.when(run.started),
            show.took(run.duration_s),
            *(show.text(run.metrics[name].value if name in run.metrics else None) for name in names),
            show.code(run.code),
        )
        for run in runs
    )
    columns = ("run", "experiment", "state", "started", "#took", *(f"#{name}" for name in names), "code")
    return Room((Table("Runs", columns, rows, "No run yet. `stackcanvas run train` makes the first one."),))
