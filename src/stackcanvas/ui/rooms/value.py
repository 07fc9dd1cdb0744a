"""Records of value: what each version earned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal

from stackcanvas.errors import StackCanvasError
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.charts import over_time
from stackcanvas.ui.context import Cell, Chart, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """For each endpoint, the sum over the days as a line and the totals of each version."""
    endpoints = [one.endpoint for one in stack.deployment.ls()]
    tables = tuple(_totals(stack, endpoint, links) for endpoint in endpoints)
    charts = tuple(chart for endpoint in endpoints if (chart := _chart(stack, endpoint)) is not None)
    nothing = Table("Earned", (), (), "Nothing is deployed, so nothing has earned anything yet.")
    return Room(tables or (nothing,), charts)


def _totals(stack: Stack, endpoint: str, links: Links) -> Table:
    currency = stack.value.currency

    def rows() -> Iterator[tuple[Cell, ...]]:
        for one in stack.value.totals(endpoint, fresh=False):
            yield (
                show.ref(links, one.model),
                show.count(one.decisions),
                show.money(one.worth, currency),
                show.money(one.each, currency),
            )

    columns = ("version", "#judged predictions", "#earned", "#each")
    title = f"Earned at {endpoint}{_earlier(stack, endpoint)}"
    return table(title, columns, rows, empty="No prediction has met its outcome yet.")


def _earlier(stack: Stack, endpoint: str) -> str:
    """That some days could not be counted under the payoff of today."""
    try:
        days = {one.day for one in stack.value.earned(endpoint, fresh=False) if one.earlier_payoff}
    except StackCanvasError:  # the table says why
        return ""
    return f" ({len(days)} days under an earlier payoff, their predictions are no longer kept)" if days else ""


def _chart(stack: Stack, endpoint: str) -> Chart | None:
    totals: dict[str, Decimal] = {}
    lines: dict[str, list[tuple[datetime, float]]] = {}
    try:
        earned = stack.value.earned(endpoint, fresh=False)
    except StackCanvasError:  # the table beside it says why
        return None
    for one in earned:
        version = one.model.removeprefix("model:")
        totals[version] = totals.get(version, Decimal(0)) + one.worth
        instant = datetime.combine(one.day, time(), UTC)
        lines.setdefault(version, []).append((instant, float(totals[version])))
    return over_time(f"Earned at {endpoint} so far, {stack.value.currency}", lines)
