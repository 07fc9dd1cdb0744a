"""The tables of all blocks, gathered for a fresh database and for migrations.

Few commands need them: opening a stack whose tables are there must not import every block, so they are loaded by name.
"""

from __future__ import annotations

import importlib

from sqlalchemy import MetaData

from stackcanvas.metadata.schema import schema

_OWNERS = (
    "metadata",
    "data",
    "data.annotation",
    "experiments",
    "experiments.logged",
    "features",
    "pipelines",
    "registry",
    "serving",
    "deployment",
    "monitoring",
    "value",
)


def load() -> MetaData:
    """The schema with the tables of every block on it."""
    for owner in _OWNERS:
        # Importing a block's tables puts them on the schema.
        importlib.import_module(f"stackcanvas.{owner}.tables")
    return schema
