"""Records of deployment: what is live, and the releases of each endpoint."""

from __future__ import annotations

from stackcanvas.deployment import Release, Status
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table


def room(stack: Stack, links: Links) -> Room:
    """The endpoints, then the releases of each."""
    endpoints = stack.deployment.ls()
    live = table(
        "Endpoints",
        ("endpoint", "state", "live", "since", "candidate", "#its share"),
        lambda: (_endpoint(one, links) for one in endpoints),
        empty="Nothing is deployed. `stackcanvas deploy MODEL@VERSION` makes the first release.",
    )
    releases = tuple(
        table(
            f"Releases of {one.endpoint}",
            ("version", "state", "strategy", "started", "ended", "before it", "reason"),
            lambda name=one.endpoint: (_release(found, links) for found in stack.deployment.history(name)),  # type: ignore[misc]
            empty="None.",
        )
        for one in endpoints
    )
    return Room((live, *releases))


def _endpoint(one: Status, links: Links) -> tuple[Cell, ...]:
    return (
        Cell(one.endpoint, links.ref(Ref("deployment", one.endpoint))),
        show.state(one.state),
        show.ref(links, one.live),
        show.when(one.live_since),
        show.ref(links, one.candidate),
        show.share(one.share if one.candidate else None),
    )


def _release(found: Release, links: Links) -> tuple[Cell, ...]:
    return (
        show.ref(links, found.model),
        show.state(found.state),
        show.text(found.strategy),
        show.when(found.started),
        show.when(found.ended),
        show.ref(links, found.previous.model if found.previous else None),
        Cell(found.reason),
    )
