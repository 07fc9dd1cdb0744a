"""Records of data: the data sets, and the versions of each."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.data import DataVersion
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room, table

_MOST_VERSIONS = 10


def room(stack: Stack, links: Links) -> Room:
    """The newest version of each data set, then the last versions of each."""
    newest = stack.data.ls()
    sets = table(
        "Data sets",
        ("data set", "#version", "committed", "#rows", "#files", "#size", "columns", "tags", "digest"),
        lambda: (_row(version, links) for version in newest),
        empty="No data set yet. `stackcanvas data commit NAME FILE` makes the first one.",
    )
    return Room((sets, *(_versions(stack, version.name, links) for version in newest if version.number > 1)))


def _row(version: DataVersion, links: Links) -> tuple[Cell, ...]:
    return (
        Cell(version.name, links.ref(version.ref)),
        show.count(version.number),
        show.when(version.created),
        show.count(version.rows),
        show.count(version.files),
        show.size(version.size_bytes),
        show.text(list(version.columns), tone="soft"),
        Cell(", ".join(version.tags)),
        show.digest(version.digest),
    )


def _versions(stack: Stack, name: str, links: Links) -> Table:
    def rows() -> Iterator[tuple[Cell, ...]]:
        for version in stack.data.log(name)[:_MOST_VERSIONS]:
            yield (
                show.ref(links, version.ref),
                show.when(version.created),
                show.count(version.rows),
                show.size(version.size_bytes),
                show.size(version.new_bytes),
                Cell(version.message),
                show.digest(version.digest),
            )

    columns = ("version", "committed", "#rows", "#size", "#new bytes", "message", "digest")
    return table(f"Versions of {name}", columns, rows, empty="None.")
