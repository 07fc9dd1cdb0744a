"""Logged models: what training made of a run, before anything is registered."""

from stackcanvas.experiments.logged.models import LoggedModel, LoggedModels, ModelMetric
from stackcanvas.experiments.logged.search import DatasetMetric, ModelOrder

__all__ = ["DatasetMetric", "LoggedModel", "LoggedModels", "ModelMetric", "ModelOrder"]
