"""Records of experiments: each with its runs, and the last runs with their metrics."""

from __future__ import annotations

from stackcanvas.experiments.system import SYSTEM
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room

_MOST_EXPERIMENTS, _MOST_METRICS = 200, 6


def room(stack: Stack, links: Links) -> Room:
    """The experiments, and the last runs with a column for each of their common metrics."""
    return Room((_experiments(stack, links), _runs(stack, links)))


def _experiments(stack: Stack, links: Links) -> Table:
    found = stack.experiments.overview()
    rows = tuple(
        (Cell(one.name, links.runs(experiment=one.name)), show.count(count), show.when(last))
        for one, count, last in found[:_MOST_EXPERIMENTS]
    )
    many = f"all {len(found):,} experiments" if len(found) > len(rows) else "all of them"
    every = (Cell(many, links.runs()), show.count(stack.experiments.count()), Cell(""))
    columns = ("experiment", "#runs", "last run")
    return Table("Experiments", columns, (*rows, every) if len(rows) > 1 else rows, "No experiment yet.")


def _runs(stack: Stack, links: Links) -> Table:
    runs = stack.experiments.search(limit=20)
    names = sorted({name for run in runs for name in run.metrics if not name.startswith(SYSTEM)})[:_MOST_METRICS]
    rows = tuple(
        (
            Cell(run.name, links.ref(run.ref)),
            Cell(run.experiment, links.runs(experiment=run.experiment)),
            Cell(f"{run.status}, incomplete", tone="warn") if run.missing else show.state(run.status),
            show.when(run.started),
            show.took(run.duration_s),
            *(show.text(run.metrics[name].value if name in run.metrics else None) for name in names),
            show.code(run.code),
        )
        for run in runs
    )
    columns = ("run", "experiment", "state", "started", "#took", *(f"#{name}" for name in names), "code")
    return Table("Last runs", columns, rows, "No run yet. `stackcanvas run train` makes the first one.")
