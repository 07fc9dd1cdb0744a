"""The routes of all files in one table."""

from __future__ import annotations

from stackcanvas.rest.mlflow import (
    artifacts,
    experiments,
    histories,
    logged,
    logging,
    models,
    prompting,
    runs,
    server,
    traces,
    versions,
)
from stackcanvas.rest.mlflow.routes import Table

_FILES = (
    server.ROUTES,
    traces.ROUTES,
    experiments.ROUTES,
    runs.ROUTES,
    prompting.ROUTES,
    logging.ROUTES,
    histories.ROUTES,
    logged.ROUTES,
    artifacts.ROUTES,
    models.ROUTES,
    versions.ROUTES,
)


ROUTES = tuple(route for routes in _FILES for route in routes)


def table() -> Table:
    """Every route."""
    return Table(ROUTES)
