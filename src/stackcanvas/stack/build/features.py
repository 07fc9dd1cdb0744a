"""The features of a project."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from stackcanvas.features import Definition, Features, FeatureService, FeatureView, OnDemandView
from stackcanvas.pipelines import Definitions

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Features:
    """What `features.py` defines, over data versions and the online store."""
    return Features(stack.spine, stack.data, stack.online, _Defined(stack.project), folder=stack.folder / "features")


class _Defined:
    """The definitions of a project; another list once its files have changed.

    Args:
        project: the user's code.
    """

    def __init__(self, project: Definitions) -> None:
        self._project = project
        self._read: tuple[ModuleType | None, Sequence[Definition]] | None = None

    def __call__(self) -> Sequence[Definition]:
        module, read = self._project.module("features"), self._read
        if read is None or read[0] is not module:
            find = self._project.find
            found: list[Definition] = [
                *find("features", FeatureView),
                *find("features", OnDemandView),
                *find("features", FeatureService),
            ]
            self._read = read = (module, found)
        return read[1]
