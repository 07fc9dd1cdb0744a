"""What a registry of Feast defines, as `features.py` of this project."""

from stackcanvas.stack.importing.feast.importer import import_feast

__all__ = ["import_feast"]
