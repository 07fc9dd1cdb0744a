"""The room of one block: its questions, its evidence, its records."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.errors import NotFound
from stackcanvas.stack import Stack, evidence
from stackcanvas.ui.context import BlockPage
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.rooms.all import ROOMS
from stackcanvas.ui.rooms.room import Room
from stackcanvas.ui.sheet import block_views, rooms


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """One block."""
    wanted = asked["block"]
    every = rooms(links)
    names = [room.id for room in every]
    if wanted not in names:
        raise NotFound("block", wanted, known=names)
    place = names.index(wanted)
    view = next(
        one for one in block_views(stack.canvas, evidence.collect(stack, only=(wanted,)), links) if one.id == wanted
    )
    room = ROOMS[wanted](stack, links) if wanted in ROOMS else Room(())
    page = BlockPage(
        block=view,
        charts=room.charts,
        tables=room.tables,
        before=every[place - 1] if place > 0 else None,
        after=every[place + 1] if place + 1 < len(every) else None,
    )
    return Page("block.html", view.title, page)
