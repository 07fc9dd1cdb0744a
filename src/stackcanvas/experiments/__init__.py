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
from stackcanvas.experiments.space import Choice, Range, Space, read_space
from stackcanvas.experiments.study import Study, Trial

__all__ = [
    "ArtifactInfo",
    "Choice",
    "Condition",
    "Environment",
    "Experiment",
    "Experiments",
    "Metric",
    "Order",
    "Origin",
    "Range",
    "Run",
    "RunInfo",
    "RunInput",
    "Space",
    "Study",
    "Trial",
    "Wanted",
    "environment",
    "read_space",
]
