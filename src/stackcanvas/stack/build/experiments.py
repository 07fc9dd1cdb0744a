"""Experiments over the spine and the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.experiments import Experiments

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Experiments:
    """The runs of a project."""
    return Experiments(stack.spine, stack.objects)
