"""Experiments: runs with parameters, metrics, tags, inputs and files."""

from stackcanvas.experiments.artifacts import ArtifactInfo
from stackcanvas.experiments.catalog import Experiment
from stackcanvas.experiments.complete import Wanted
from stackcanvas.experiments.environment import Environment, environment
from stackcanvas.experiments.experiments import Experiments
from stackcanvas.experiments.metrics import Metric
from stackcanvas.experiments.origin import Origin
from stackcanvas.experiments.run import Run
from stackcanvas.experiments.runs import RunInfo, RunInput
from stackcanvas.experiments.search import Condition, Order

__all__ = [
    "ArtifactInfo",
    "Condition",
    "Environment",
    "Experiment",
    "Experiments",
    "Metric",
    "Order",
    "Origin",
    "Run",
    "RunInfo",
    "RunInput",
    "Wanted",
    "environment",
]
