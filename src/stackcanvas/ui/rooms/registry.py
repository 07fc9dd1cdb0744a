"""Records of the registry: the versions of each model."""

from __future__ import annotations

from stackcanvas.registry import Condition, ModelVersion, RegisteredModel
from stackcanvas.stack import Stack
from stackcanvas.ui import show
from stackcanvas.ui.context import Cell, Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms.room import Room

_MOST_METRICS = 5
_MOST = 100
_NEWEST = (("number", True),)


def room(stack: Stack, links: Links) -> Room:
    """A table for each model."""
    models = stack.registry.ls()
    if not models:
        return Room((Table("Models", (), (), "No model is registered. `stackcanvas run train` registers one."),))
    newest = {
        model.name: stack.registry.search.versions(_of(model.name), order_by=_NEWEST, limit=_MOST) for model in models
    }
    return Room(tuple(_versions(model, newest[model.name], links) for model in models))


def _of(name: str) -> tuple[Condition, ...]:
    return (Condition("attribute", "name", "=", name),)


def _versions(model: RegisteredModel, versions: list[ModelVersion], links: Links) -> Table:
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
            show.run(links, version.run),
            Cell(version.format),
            show.digest(version.digest or None),
        )
        for version in versions
    )
    columns = ("version", "semantic", "aliases", "registered", "gate", *(f"#{metric}" for metric in metrics))
    shown = f", the newest {len(rows)} of {model.versions}" if len(rows) < model.versions else ""
    title = f"Versions of {model.name}{shown}"
    empty = "It has no version yet."
    return Table(title, (*columns, "trained on", "run", "format", "digest"), rows, empty)


def _gate(version: ModelVersion) -> Cell:
    if version.gate is None:
        return Cell("not asked", tone="soft")
    return show.state("passed" if version.gate.passed else "refused")
