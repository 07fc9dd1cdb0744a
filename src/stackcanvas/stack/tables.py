"""The tables of all blocks, gathered for a fresh database and for migrations."""

from __future__ import annotations

from sqlalchemy import MetaData

from stackcanvas.data import tables as data
from stackcanvas.deployment import tables as deployment
from stackcanvas.experiments import tables as experiments
from stackcanvas.features import tables as features
from stackcanvas.metadata import tables as metadata
from stackcanvas.metadata.schema import schema
from stackcanvas.monitoring import tables as monitoring
from stackcanvas.pipelines import tables as pipelines
from stackcanvas.registry import tables as registry
from stackcanvas.serving import tables as serving
from stackcanvas.value import tables as value

# Importing a block's tables puts them on the schema.
MODULES = (metadata, data, experiments, features, pipelines, registry, serving, deployment, monitoring, value)


def load() -> MetaData:
    """The schema with the tables of every block on it."""
    return schema
