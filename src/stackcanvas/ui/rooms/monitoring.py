"""Records of monitoring: alerts, drift and performance of each endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from stackcanvas.metadata import Ref
from stackcanvas.monitoring import Alert, DriftFound, Measured
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.charts import over_time
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
        measured = stack.monitoring.performance(endpoint, limit=1000)
        drifts = stack.monitoring.drift_history(endpoint, limit=100)
        charts += _charts(endpoint, measured, drifts)
        tables.append(_performance(endpoint, measured[:14], links))
        if drifts:
            tables.append(_drift(endpoint, drifts[0]))
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
    lines: dict[str, dict[str, list[tuple[datetime, float]]]] = {}
    for one in reversed(measured):  # they come newest first
        title = f"{one.metric} at {endpoint}, window by window"
        lines.setdefault(title, {}).setdefault(_short(one.model), []).append((one.end, one.value))
    title = f"Columns that drifted at {endpoint}, as a share"
    for found in reversed(drifts):
        lines.setdefault(title, {}).setdefault(_short(found.model), []).append((found.end, found.report.share))
    for heading, by_model in lines.items():
        chart = over_time(heading, by_model)
        if chart is not None:
            yield chart


def _short(model: Ref) -> str:
    return str(model).removeprefix("model:")


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


def _drift(endpoint: str, found: DriftFound) -> Table:
    columns = sorted(found.report.columns.values(), key=lambda one: (not one.drifted, -one.distance))
    rows = tuple(
        (
            Cell(one.column),
            show.state("drifted" if one.drifted else "steady"),
            show.text(one.distance),
            show.text(one.threshold),
            show.chance(one.p_value),
            show.share(one.nulls_before),
            show.share(one.nulls_after),
        )
        for one in columns
    )
    window = f"{show.when(found.start).text} to {show.when(found.end).text}"
    heading = ("column", "state", "#distance", "#bound", "#chance", "#nulls before", "#nulls now")
    return Table(f"Drift of {endpoint} against {found.model}, {window}", heading, rows)
