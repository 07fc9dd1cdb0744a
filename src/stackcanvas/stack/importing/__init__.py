"""Taking over what other tools hold: MLflow, DVC and Feast, with ids, tags and times, again and again."""

from stackcanvas.stack.importing.imports import Imports
from stackcanvas.stack.importing.report import Counted, Imported, LeftOut, Mapped

__all__ = ["Counted", "Imported", "Imports", "LeftOut", "Mapped"]
