"""The composition root: from canvas.yaml to a stack of blocks, and the flows that cross blocks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcanvas.stack.opening import open  # noqa: A004 - reads as `sc.open()`
    from stackcanvas.stack.root import find_root
    from stackcanvas.stack.stack import Stack

_PUBLIC = {
    "Stack": "stackcanvas.stack.stack",
    "find_root": "stackcanvas.stack.root",
    "open": "stackcanvas.stack.opening",
}

__all__ = ["Stack", "find_root", "open"]


def __getattr__(name: str) -> object:
    place = _PUBLIC.get(name)
    if place is None:
        raise AttributeError(f"module 'stackcanvas.stack' has no attribute {name!r}")
    return getattr(importlib.import_module(place), name)
