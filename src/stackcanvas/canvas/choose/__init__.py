"""Which tool fits each block, by rules and preferences, solved exactly."""

from stackcanvas.canvas.choose.catalogue import Catalogue, Tool, catalogue
from stackcanvas.canvas.choose.choose import PREFERENCES, Choice, Excluded, Stack, choose
from stackcanvas.canvas.choose.records import decision_records

__all__ = ["PREFERENCES", "Catalogue", "Choice", "Excluded", "Stack", "Tool", "catalogue", "choose", "decision_records"]
