"""Records of features: the views, how far each has come online, and the services that take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from stackcanvas.canvas.units import format_duration
from stackcanvas.features import ViewStatus
from stackcanvas.stack import Stack
from stackcanvas.stack.finding import takers
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """The feature views and services of the project."""
    columns = ("view", "kind", "keys", "source", "features", "#valid for", "online until", "models", "owner", "about")

    def shown() -> Iterator[tuple[Cell, ...]]:
        taken = takers(stack)
        for view in stack.features.status():
            models = {str(ref) for feature in view.features for ref in taken.get((view.view, feature), ())}
            yield _view(view, sorted(models), links)

    views = table(
        "Feature views",
        columns,
        shown,
        empty="No view is defined in `features.py`.",
    )
    if not stack.features.catalog.services:
        return Room((views,))

    def services() -> Iterator[tuple[Cell, ...]]:
        for service in sorted(stack.features.catalog.services.values(), key=lambda one: one.name):
            shown = (service.name, ", ".join(service.features), service.owner, service.description)
            yield tuple(Cell(text) for text in shown)

    return Room((views, table("Feature services", ("service", "features", "owner", "about"), services, empty="None.")))


def _view(view: ViewStatus, models: Sequence[str], links: Links) -> tuple[Cell, ...]:
    return (
        Cell(view.view, links.ref(view.ref)),
        Cell(view.kind),
        Cell(", ".join(view.keys)),
        Cell("") if view.source is None else show.ref(links, f"data:{view.source}"),
        Cell(", ".join(view.features)),
        Cell("" if view.ttl_s is None else format_duration(timedelta(seconds=view.ttl_s))),
        show.when(view.online_until),
        show.models(links, models),
        Cell(view.owner),
        Cell(view.description, tone="soft"),
    )
