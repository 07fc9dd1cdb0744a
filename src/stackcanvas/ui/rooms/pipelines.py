"""Records of pipelines: their runs and what starts them."""

from __future__ import annotations

from stackcanvas.pipelines import PipelineRun
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """The last runs, and what starts by itself."""
    runs = table(
        "Runs of pipelines",
        ("run", "state", "started by", "requested", "#took", "code", "parameters", "error"),
        lambda: (_row(run, links) for run in stack.pipelines.runs(limit=50)),
        empty="No pipeline has run yet. `stackcanvas run NAME` starts one.",
    )
    return Room((runs, _triggers(stack)))


def _row(run: PipelineRun, links: Links) -> tuple[Cell, ...]:
    return (
        Cell(run.pipeline, links.ref(run.ref)),
        show.state(run.state),
        Cell(run.trigger),
        show.when(run.requested),
        show.took(run.duration_s),
        show.code(run.code),
        show.text(run.parameters, tone="soft"),
        Cell(run.error or "", tone="bad"),
    )


def _triggers(stack: Stack) -> Table:
    # From the canvas: the server of pages does not load the user's code.
    entries = stack.answers().get("pipelines.retraining") or ()
    rows = tuple(
        (
            Cell(entry.pipeline),
            Cell(f"at {entry.cron}" if entry.cron else "" if entry.on is None else f"on {entry.on}"),
        )
        for entry in entries
    )
    empty = "Nothing starts by itself; `pipelines.retraining` in the canvas says what should."
    return Table("What starts by itself", ("pipeline", "when"), rows, empty)
