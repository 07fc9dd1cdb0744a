"""Runs beside each other: their curves, the way across their parameters, and all that is not the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from stackcanvas.experiments import RunInfo
from stackcanvas.experiments.system import SYSTEM
from stackcanvas.plain import cell
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.charts import over_steps_of
from stackcanvas.ui.context import Cell, Chart, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.parallel import Parallel, across, aims_of

_MOST_RUNS, _MOST_CHARTS, _MOST_LOOKED_AT = 20, 12, 100


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """Runs beside each other."""

    title: str
    charts: tuple[Chart, ...]
    parallel: Parallel | None
    differences: Table


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """The runs that were picked, at most twenty."""
    picked = list(dict.fromkeys(name for name in asked.get("run", "").split(",") if name))[:_MOST_RUNS]
    found = [stack.experiments.get(run_id) for run_id in picked]
    rows = stack.experiments.compare(picked) if len(found) > 1 else []
    columns = ("what", *(run.name for run in found))
    lines = tuple(
        (Cell(str(row["what"])), *(_value(row[run.id]) for run in found))
        for row in rows
        if not str(row["what"]).startswith(f"metric.{SYSTEM}")
    )
    empty = "Pick two or more runs in the table of runs." if len(found) < 2 else "They are the same."
    heads = tuple(Cell(run.id[-8:], links.ref(run.ref)) for run in found)
    page = ComparedPage(
        title=f"{len(found)} runs compared",
        charts=tuple(_charts(stack, found)),
        parallel=across(found, links, aims=aims_of(stack)),
        differences=Table("What differs", columns, ((Cell("run"), *heads), *lines) if lines else (), empty),
    )
    return Page("compared.html", page.title, page)


def _charts(stack: Stack, runs: list[RunInfo]) -> Iterator[Chart]:
    names = sorted({name for run in runs for name in run.metrics if not name.startswith(SYSTEM)})
    labels = {run.id: run.name if [one.name for one in runs].count(run.name) == 1 else run.id[-8:] for run in runs}
    charts = (_chart(stack, runs, name, labels) for name in names[:_MOST_LOOKED_AT])
    yield from islice((chart for chart in charts if chart is not None), _MOST_CHARTS)


def _chart(stack: Stack, runs: list[RunInfo], name: str, labels: Mapping[str, str]) -> Chart | None:
    lines = {
        labels[run.id]: [(float(point.step), point.value) for point in stack.experiments.outline(run.id, name)]
        for run in runs
        if name in run.metrics
    }
    return over_steps_of(name, lines)


def _value(value: object) -> Cell:
    return show.text(cell(value) if not isinstance(value, str) else value, longest=60)
