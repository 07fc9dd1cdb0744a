"""The MLOps Stack Canvas that runs: design, run and prove a machine learning stack from one file.

Example:
    >>> import stackcanvas as sc
    >>> @sc.step
    ... def double(number: int) -> int:
    ...     return 2 * number
    >>> double(21)
    42
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcanvas.data.splits import split
    from stackcanvas.errors import StackCanvasError
    from stackcanvas.features import Entity, FeatureService, FeatureView, OnDemandView, greatest, least, where
    from stackcanvas.metadata import Ref
    from stackcanvas.pipelines import Context, dataset, map, pipeline, step, when  # noqa: A004 - the verbs of a pipeline
    from stackcanvas.stack import Stack, open  # noqa: A004 - `sc.open` reads as it should

# The public names and where they lie: importing the package loads none of them.
_PUBLIC = {
    "Context": "stackcanvas.pipelines",
    "Entity": "stackcanvas.features",
    "FeatureService": "stackcanvas.features",
    "FeatureView": "stackcanvas.features",
    "OnDemandView": "stackcanvas.features",
    "Ref": "stackcanvas.metadata",
    "Stack": "stackcanvas.stack",
    "StackCanvasError": "stackcanvas.errors",
    "dataset": "stackcanvas.pipelines",
    "greatest": "stackcanvas.features",
    "least": "stackcanvas.features",
    "map": "stackcanvas.pipelines",
    "open": "stackcanvas.stack",
    "pipeline": "stackcanvas.pipelines",
    "split": "stackcanvas.data.splits",
    "step": "stackcanvas.pipelines",
    "when": "stackcanvas.pipelines",
    "where": "stackcanvas.features",
}

__all__ = [
    "Context",
    "Entity",
    "FeatureService",
    "FeatureView",
    "OnDemandView",
    "Ref",
    "Stack",
    "StackCanvasError",
    "__version__",
    "dataset",
    "greatest",
    "least",
    "map",
    "open",
    "pipeline",
    "split",
    "step",
    "when",
    "where",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        # Loaded here, since it takes longer than all else that a command starts with.
        return importlib.import_module("importlib.metadata").version("stackcanvas")
    place = _PUBLIC.get(name)
    if place is None:
        raise AttributeError(f"module 'stackcanvas' has no attribute {name!r}")
    found = getattr(importlib.import_module(place), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
