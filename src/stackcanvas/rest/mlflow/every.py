"""The routes of all files in one table."""

from __future__ import annotations

from stackcanvas.rest.mlflow import server
from stackcanvas.rest.mlflow.routes import Table

_FILES = (server.ROUTES,)


def table() -> Table:
    """Every route."""
    return Table(route for routes in _FILES for route in routes)
