"""Which file shows the records of which block."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackcanvas.stack import Stack
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms import (
    data,
    deployment,
    experiments,
    features,
    foundations,
    metadata,
    monitoring,
    pipelines,
    registry,
    serving,
    value,
)
from stackcanvas.ui.rooms.room import Room

ROOMS: Mapping[str, Callable[[Stack, Links], Room]] = {
    "value": value.room,
    "data": data.room,
    "experiments": experiments.room,
    "features": features.room,
    "foundations": foundations.room,
    "pipelines": pipelines.room,
    "registry": registry.room,
    "deployment": deployment.room,
    "serving": serving.room,
    "monitoring": monitoring.room,
    "metadata": metadata.room,
}
