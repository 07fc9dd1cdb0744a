"""Which file shows the records of which block."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackcanvas.stack import Stack
from stackcanvas.ui.context import Table
from stackcanvas.ui.links import Links
from stackcanvas.ui.rooms import experiments, foundations, metadata

ROOMS: Mapping[str, Callable[[Stack, Links], tuple[Table, ...]]] = {
    "experiments": experiments.tables,
    "foundations": foundations.tables,
    "metadata": metadata.tables,
}
