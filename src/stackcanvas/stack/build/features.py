"""The feature views of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.features import Features, FeatureView

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Features:
    """The views that `features.py` defines, over data versions and the online store."""
    return Features(stack.spine, stack.data, stack.online, stack.project.find("features", FeatureView))
