"""What a stack keeps for how long, and what it gives up."""

from __future__ import annotations

from stackcanvas.stack.keeping.clearing import Reclaimed
from stackcanvas.stack.keeping.erasure import Erasure, Touched
from stackcanvas.stack.keeping.keeping import Keeping, Retained
from stackcanvas.stack.keeping.retention import Going, Rule

__all__ = ["Erasure", "Going", "Keeping", "Reclaimed", "Retained", "Rule", "Touched"]
