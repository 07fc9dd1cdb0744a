"""The routers of the blocks, which carry the whole path of each route.

FastAPI works a route out when it is written and again when its router is included in another; here nothing is included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from stackcanvas.rest.errors import FAILURES

PREFIX = "/api/v1"


def router_of(place: str, block: str, *, responses: Mapping[int | str, dict[str, Any]] = FAILURES) -> APIRouter:
    """A router for the routes of a block.

    Args:
        place: where they stand below the prefix of all.
        block: under what the schema lists them.
        responses: what every one may answer beside its own.

    Example:
        >>> router_of("/runs", "experiments").prefix
        '/api/v1/runs'
    """
    return APIRouter(prefix=f"{PREFIX}{place}", tags=[block], responses=dict(responses))
