"""The routes of all blocks."""

from __future__ import annotations

from starlette.routing import BaseRoute

from stackcanvas.rest import (
    analysis,
    annotation,
    canvas,
    data,
    deployment,
    events,
    experiments,
    features,
    metadata,
    monitoring,
    pipelines,
    registry,
    remote,
    serving,
    tokens,
    value,
    weighing,
    workspaces,
)

_BLOCKS = (
    analysis.query_router,
    analysis.reports_router,
    analysis.splits_router,
    annotation.router,
    canvas.router,
    data.router,
    deployment.router,
    events.router,
    experiments.router,
    experiments.runs_router,
    features.router,
    metadata.router,
    monitoring.router,
    monitoring.labels_router,
    pipelines.router,
    pipelines.runs_router,
    registry.router,
    remote.router,
    serving.router,
    tokens.router,
    value.router,
    weighing.router,
    workspaces.router,
)


def routes() -> list[BaseRoute]:
    """Every route of every block, with its whole path."""
    return [route for block in _BLOCKS for route in block.routes]
