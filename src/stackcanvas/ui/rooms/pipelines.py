"""Records of pipelines: their runs and what starts them."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.pipelines import PipelineRun
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """The last runs, and the pipelines of the project."""
    runs = table(
        "Runs of pipelines",
        ("run", "state", "started by", "requested", "#took", "code", "parameters", "error"),
        lambda: (_row(run, links) for run in stack.pipelines.runs(limit=50)),
        empty="No pipeline has run yet. `stackcanvas run NAME` starts one.",
    )
    return Room((runs, _pipelines(stack)))


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


def _pipelines(stack: Stack) -> Table:
    def rows() -> Iterator[tuple[Cell, ...]]:
        for pipeline in stack.pipelines.ls():
            yield (Cell(pipeline.name), Cell((pipeline.__doc__ or "").strip().partition("\n")[0], tone="soft"))

    return table("Pipelines", ("pipeline", "what it does"), rows, empty="No pipeline is defined in `pipelines.py`.")
