"""Traces: none are kept, so that a search finds none; what writes one is told that there is no such place."""

from __future__ import annotations

from stackcanvas.rest.mlflow.messages import Nothing
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.stack import Stack


def _none(_stack: Stack, _asked: Nothing) -> dict[str, object]:
    return {}


ROUTES = (
    Route("GET", "traces", Nothing, _none),
    Route("POST", "traces/search", Nothing, _none, version="3.0", reads=True),
)
