"""Records of the foundations: the commits of the project."""

from __future__ import annotations

from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room


def room(stack: Stack, links: Links) -> Room:
    """The last commits."""
    del links
    rows = tuple(
        (
            Cell(commit.digest[:10], mono=True),
            show.when(commit.time),
            show.actor(commit.author),
            Cell(commit.subject),
        )
        for commit in stack.foundations.log(limit=20)
    )
    return Room((Table("Commits", ("commit", "time", "author", "subject"), rows, "The project has no commit in git."),))
