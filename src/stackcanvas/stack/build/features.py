"""The features of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.features import Definition, Features, FeatureService, FeatureView, OnDemandView

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Features:
    """What `features.py` defines, over data versions and the online store."""
    find = stack.project.find
    definitions: list[Definition] = [
        *find("features", FeatureView),
        *find("features", OnDemandView),
        *find("features", FeatureService),
    ]
    return Features(stack.spine, stack.data, stack.online, definitions, folder=stack.folder / "features")
