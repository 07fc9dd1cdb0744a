"""Records of monitoring: alerts, drift and performance of each endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackcanvas.monitoring import Alert, DriftFound, Measured
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.charts import line_chart
from stackcanvas.ui.context import Cell, Chart, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """Quality over time as lines; alerts; for each endpoint its windows and the drift of the last one."""
    charts: list[Chart] = []
    alerts = table(
        "Alerts",
        ("alert", "endpoint", "severity", "figure", "#value", "bound", "fired", "resolved"),
        lambda: (_alert(one) for one in stack.monitoring.alerts(limit=30)),
        empty="No alert has fired.",
    )
    tables = [alerts]
    for endpoint in (one.endpoint for one in stack.deployment.ls()):
        measured = stack.monitoring.performance(endpoint, limit=200)
        drifts = stack.monitoring.drift_history(endpoint, limit=100)
        charts += _charts(endpoint, measured, drifts)
        tables.append(_performance(endpoint, measured[:40], links))
        if drifts:
            tables.append(_drift(endpoint, drifts[0], links))
    return Room(tuple(tables), tuple(charts))


def _alert(one: Alert) -> tuple[Cell, ...]:
    return (
        Cell(one.rule),
        Cell(one.endpoint),
        Cell(one.severity, tone="bad" if one.resolved is None else "soft"),
        Cell(one.metric),
        show.text(one.value),
        Cell(one.bound),
        show.when(one.fired),
        show.when(one.resolved) if one.resolved else show.state("firing"),
    )


def _charts(endpoint: str, measured: Sequence[Measured], drifts: Sequence[DriftFound]) -> Iterator[Chart]:
    lines = {
        f"{endpoint}: {name}": [(one.end, one.value) for one in measured if one.metric == name]
        for name in sorted({one.metric for one in measured})
    }
    lines[f"{endpoint}: share of columns that drifted"] = [(one.end, one.report.share) for one in drifts]
    for title, newest_first in lines.items():
        points = newest_first[::-1]
        chart = line_chart(
            title,
            [(place, value) for place, (_, value) in enumerate(points)],
            ends=(show.when(points[0][0]).text, show.when(points[-1][0]).text) if points else None,
        )
        if chart is not None:
            yield chart


def _performance(endpoint: str, measured: Sequence[Measured], links: Links) -> Table:
    rows = tuple(
        (
            show.when(one.start),
            show.when(one.end),
            show.ref(links, one.model),
            Cell(one.metric),
            show.text(one.value),
            show.count(one.labels),
            show.count(one.predictions),
        )
        for one in measured
    )
    columns = ("from", "to", "version", "metric", "#value", "#with label", "#predictions")
    empty = "No window has labels yet. `stackcanvas labels add ENDPOINT FILE` brings them."
    return Table(f"Performance of {endpoint}", columns, rows, empty)


def _drift(endpoint: str, found: DriftFound, links: Links) -> Table:
    columns = sorted(found.report.columns.values(), key=lambda one: (not one.drifted, -one.distance))
    rows = tuple(
        (
            Cell(one.column),
            show.state("drifted" if one.drifted else "steady"),
            show.text(one.distance),
            show.text(one.threshold),
            show.text(one.p_value),
            show.share(one.nulls_before),
            show.share(one.nulls_after),
        )
        for one in columns
    )
    window = f"{show.when(found.start).text} to {show.when(found.end).text}"
    heading = ("column", "state", "#distance", "#bound", "#chance", "#nulls before", "#nulls now")
    del links
    return Table(f"Drift of {endpoint} against {found.model}, {window}", heading, rows)
