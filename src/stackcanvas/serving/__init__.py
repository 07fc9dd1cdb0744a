"""Serving: the prediction server, the bundles and routes that it serves, the log that it writes.

The names load when they are used: the prediction server is a package of this one and must load nothing of the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackcanvas.serving.bundles import Bundle, Bundles, compile_bundle
    from stackcanvas.serving.compact import Compacted
    from stackcanvas.serving.log import Counts, Log, Prediction
    from stackcanvas.serving.policy import Check, Policy
    from stackcanvas.serving.routes import Route, Routes, Variant
    from stackcanvas.serving.serving import Served, Serving

__all__ = [
    "Bundle",
    "Bundles",
    "Check",
    "Compacted",
    "Counts",
    "Log",
    "Policy",
    "Prediction",
    "Route",
    "Routes",
    "Served",
    "Serving",
    "Variant",
    "compile_bundle",
]

_HOMES = {
    "bundles": ("Bundle", "Bundles", "compile_bundle"),
    "compact": ("Compacted",),
    "log": ("Counts", "Log", "Prediction"),
    "policy": ("Check", "Policy"),
    "routes": ("Route", "Routes", "Variant"),
    "serving": ("Served", "Serving"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"stackcanvas.serving.{module}"), name)
    raise AttributeError(f"module 'stackcanvas.serving' has no attribute {name!r}")
