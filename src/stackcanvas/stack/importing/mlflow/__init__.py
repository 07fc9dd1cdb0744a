"""Everything that an MLflow tracking server or a store on disk holds."""

from stackcanvas.stack.importing.mlflow.importer import import_mlflow

__all__ = ["import_mlflow"]
