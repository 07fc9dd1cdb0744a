"""The rows of each block; one file a block, but for what serving and its neighbours share."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.cost.asking import Asking
from stackcanvas.canvas.cost.blocks import (
    data,
    dilemma,
    experiments,
    features,
    foundations,
    metadata,
    pipelines,
    registry,
    serving,
)
from stackcanvas.canvas.cost.figures import Row

_PARTS = (
    data.rows,
    experiments.rows,
    features.rows,
    foundations.rows,
    pipelines.rows,
    registry.rows,
    serving.cluster,
    serving.releases,
    serving.rows,
    serving.logs,
    metadata.rows,
    dilemma.rows,
)


def rows(ask: Asking) -> Iterator[Row]:
    """Every row of an estimate, in the order of the canvas."""
    for part in _PARTS:
        yield from part(ask)
