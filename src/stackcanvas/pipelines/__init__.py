"""Pipelines: steps as plain functions, the graph that they form, its runs, and what starts them."""

from stackcanvas.pipelines.bench import Address
from stackcanvas.pipelines.context import Context
from stackcanvas.pipelines.execute import Progress
from stackcanvas.pipelines.inputs import dataset
from stackcanvas.pipelines.load import Definitions
from stackcanvas.pipelines.pipeline import Pipeline, pipeline
from stackcanvas.pipelines.pipelines import Pipelines
from stackcanvas.pipelines.run import PipelineRun, RunFailed, StepRun
from stackcanvas.pipelines.schedule import Scheduler
from stackcanvas.pipelines.step import Step, map, step, when  # noqa: A004 - reads as sc.map
from stackcanvas.pipelines.triggers import Trigger
from stackcanvas.pipelines.work import Worker, run_next
from stackcanvas.pipelines.worktree import Worktrees

__all__ = [
    "Address",
    "Context",
    "Definitions",
    "Pipeline",
    "PipelineRun",
    "Pipelines",
    "Progress",
    "RunFailed",
    "Scheduler",
    "Step",
    "StepRun",
    "Trigger",
    "Worker",
    "Worktrees",
    "dataset",
    "map",
    "pipeline",
    "run_next",
    "step",
    "when",
]
