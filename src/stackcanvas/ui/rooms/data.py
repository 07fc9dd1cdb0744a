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
        ("data set", "#version", "committed", "#rows", "#files", "#size", "columns", "tags", "digest", "ask"),
        lambda: (_row(version, links) for version in newest),
        empty="No data set yet. `stackcanvas data commit NAME FILE` makes the first one.",
    )
    versions = (_versions(stack, version.name, links) for version in newest if version.number > 1)
    return Room((sets, *versions, *_work(stack, links)))


def _work(stack: Stack, links: Links) -> Iterator[Table]:
    """What was done with the data: reports, splits, labels; what there is none of is left out."""
    columns = ("report", "about", "made", "#findings", "page")
    reports = table("Reports", columns, lambda: _reports(stack, links), empty="")
    splits = table("Splits", ("split", "of", "made", "method", "parts"), lambda: _splits(stack, links), empty="")
    queues = table(
        "Annotation", ("queue", "question", "#done", "#items", "state"), lambda: _queues(stack, links), empty=""
    )
    return (found for found in (reports, splits, queues) if found.rows or found.empty)


def _reports(stack: Stack, links: Links) -> Iterator[tuple[Cell, ...]]:
    for one in stack.analysis.reports(limit=_MOST_VERSIONS):
        about = Cell(", ".join(subject.removeprefix("data:") for subject in one.subjects))
        opened = Cell("open", links.report(one.ref))
        yield Cell(one.kind, links.ref(one.ref)), about, show.when(one.made), show.count(one.findings), opened


def _splits(stack: Stack, links: Links) -> Iterator[tuple[Cell, ...]]:
    for one in stack.splits.ls(limit=_MOST_VERSIONS):
        by = f" by {', '.join(one.by)}" if one.by else ""
        parts = "; ".join(f"{part.name} {part.rows:,}" for part in one.parts)
        name = Cell(one.ref.name, links.ref(one.ref))
        yield name, show.ref(links, one.of), show.when(one.made), Cell(f"{one.method}{by}"), Cell(parts)


def _queues(stack: Stack, links: Links) -> Iterator[tuple[Cell, ...]]:
    for queue in stack.annotation.ls():
        progress = stack.annotation.progress(queue.name)
        name = Cell(queue.name, links.annotation(queue.name))
        done, items = show.count(progress.done), show.count(progress.items)
        yield name, show.text(queue.question, tone="soft"), done, items, show.state(queue.state)


def _row(version: DataVersion, links: Links) -> tuple[Cell, ...]:
    return (
        Cell(version.name, links.ref(version.ref)),
        show.count(version.number),
        show.when(version.created),
        show.count(version.rows),
        show.count(version.files),
        show.size(version.size_bytes),
        show.text(list(version.columns), tone="soft"),
        Cell(_notes(version)),
        show.digest(version.digest),
        Cell("SQL", links.query(ref=version.ref)),
    )


def _notes(version: DataVersion) -> str:
    """The tags of a version, and what one should know before using it."""
    marked = ["not as expected"] if version.broken else []
    marked += ["erased in part"] if version.erased is not None else []
    gone = ["content given up"] if version.forgotten is not None else []
    return ", ".join([*version.tags, *marked, *gone])


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
