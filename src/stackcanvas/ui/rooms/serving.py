"""Records of serving: what the prediction server has, and the last predictions."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.serving import Served
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """The endpoints as served, then the last predictions of each."""
    served = stack.serving.served()
    known = table(
        "Served",
        ("endpoint", "state", "variants", "#predictions", "#errors", "#fallbacks", "fault"),
        lambda: (_served(stack, one) for one in served),
        empty="The prediction server has no model. `stackcanvas deploy MODEL@VERSION` gives it one.",
    )
    return Room((known, *(_predictions(stack, endpoint, links) for endpoint in stack.serving.log.endpoints())))


def _served(stack: Stack, one: Served) -> tuple[Cell, ...]:
    counts = stack.serving.counts(one.endpoint)
    return (
        Cell(one.endpoint),
        show.state(one.state),
        Cell(", ".join(one.variants)),
        show.count(counts.predictions),
        show.count(counts.errors),
        show.count(counts.fallbacks),
        Cell(one.error or "", tone="bad"),
    )


def _predictions(stack: Stack, endpoint: str, links: Links) -> Table:
    def rows() -> Iterator[tuple[Cell, ...]]:
        for one in stack.serving.log.tail(endpoint, limit=20):
            yield (
                Cell(f"…{one.prediction_id[-12:]}", links.ref(one.ref), mono=True),
                show.when(one.time),
                Cell(one.variant),
                show.text(one.features, tone="soft", longest=90),
                show.text(one.output),
                Cell("fallback" if one.fallback else one.status, tone="warn" if one.fallback else "plain"),
                show.took(one.latency_us / 1e6),
            )

    columns = ("prediction", "time", "variant", "features", "output", "status", "#latency")
    return table(f"Last predictions of {endpoint}", columns, rows, empty="None.")
