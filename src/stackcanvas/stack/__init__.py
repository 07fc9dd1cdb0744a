"""The composition root: from canvas.yaml to a stack of blocks, and the flows that cross blocks."""

from stackcanvas.stack.opening import find_root, open  # noqa: A004 - reads as `sc.open()`
from stackcanvas.stack.stack import Stack

__all__ = ["Stack", "find_root", "open"]
