"""The routes of all blocks under one prefix."""

from __future__ import annotations

from fastapi import APIRouter

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


def api() -> APIRouter:
    """A router with every block's routes under /api/v1."""
    router = APIRouter(prefix="/api/v1")
    for block in _BLOCKS:
        router.include_router(block)
    return router
