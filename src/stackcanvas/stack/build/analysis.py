"""Analysis of the project's data versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.data.analysis import Analysis
from stackcanvas.data.splits import Splits

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Analysis:
    """Queries, profiles and comparisons over the data of a project."""
    return Analysis(stack.data, stack.spine, stack.objects)


def splits(stack: Stack) -> Splits:
    """Parts to train and to test on, from the data of a project."""
    return Splits(stack.data, stack.spine)
