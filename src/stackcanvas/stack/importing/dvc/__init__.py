"""Every version of data that a repository of DVC holds."""

from stackcanvas.stack.importing.dvc.importer import import_dvc

__all__ = ["import_dvc"]
