"""Records of features: the views and how far each has come online."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """The feature views of the project."""

    def rows() -> Iterator[tuple[Cell, ...]]:
        for view in stack.features.status():
            yield (
                Cell(view.view),
                Cell(", ".join(view.keys)),
                show.ref(links, f"data:{view.source}"),
                Cell(", ".join(view.features)),
                show.took(view.ttl_s),
                show.when(view.online_until),
            )

    columns = ("view", "keys", "source", "features", "#valid for", "online until")
    return Room((table("Feature views", columns, rows, empty="No view is defined in `features.py`."),))
