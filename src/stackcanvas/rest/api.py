"""The routes of all blocks under one prefix."""

from __future__ import annotations

from fastapi import APIRouter

from stackcanvas.rest import canvas, events, metadata

_BLOCKS = (canvas.router, events.router, metadata.router)


def api() -> APIRouter:
    """A router with every block's routes under /api/v1."""
    router = APIRouter(prefix="/api/v1")
    for block in _BLOCKS:
        router.include_router(block)
    return router
