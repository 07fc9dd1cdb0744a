"""Records of the registry: the versions of each model."""

from __future__ import annotations

from stackcanvas.registry import ModelVersion
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room

_MOST_METRICS = 5


def room(stack: Stack, links: Links) -> Room:
    """A table for each model."""
    models = stack.registry.ls()
    if not models:
        return Room((Table("Models", (), (), "No model is registered. `stackcanvas run train` registers one."),))
    return Room(tuple(_versions(model.name, stack.registry.versions(model.name), links) for model in models))


def _versions(name: str, versions: list[ModelVersion], links: Links) -> Table:
    metrics = sorted({metric for version in versions for metric in version.metrics})[:_MOST_METRICS]
    rows = tuple(
        (
            show.ref(links, version.ref),
            Cell(version.version),
            Cell(", ".join(version.aliases), tone="good"),
            show.when(version.created),
            _gate(version),
            *(show.text(version.metrics.get(metric)) for metric in metrics),
            show.ref(links, version.training),
            show.ref(links, version.run),
            Cell(version.format),
            show.digest(version.digest),
        )
        for version in versions
    )
    columns = ("version", "semantic", "aliases", "registered", "gate", *(f"#{metric}" for metric in metrics))
    return Table(f"Versions of {name}", (*columns, "trained on", "run", "format", "digest"), rows)


def _gate(version: ModelVersion) -> Cell:
    if version.gate is None:
        return Cell("not asked", tone="soft")
    return show.state("passed" if version.gate.passed else "refused")
