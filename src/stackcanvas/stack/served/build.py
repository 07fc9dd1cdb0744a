"""The parts of a served stack, each made when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcanvas.canvas.blocks.experiments import Metric
from stackcanvas.experiments import Wanted
from stackcanvas.stack.build.data import answered_of
from stackcanvas.stack.build.registry import policy
from stackcanvas.stack.served.data import ServedData
from stackcanvas.stack.served.experiments import ServedExperiments
from stackcanvas.stack.served.objects import ServedObjects
from stackcanvas.stack.served.registry import ServedRegistry
from stackcanvas.stack.served.small import (
    ServedFeatures,
    ServedMonitoring,
    ServedPipelines,
    ServedServing,
    ServedValue,
)

if TYPE_CHECKING:
    import polars as pl

    from stackcanvas.stack.served.stack import ServedStack


def objects(stack: ServedStack) -> ServedObjects:
    """Where bytes lie."""
    return ServedObjects(stack.link)


def data(stack: ServedStack) -> ServedData:
    """Data versions; the prediction log of an endpoint reads as `predictions/ENDPOINT`."""
    (stack.folder / "cache").mkdir(exist_ok=True)
    spine: Any = stack.spine
    told = answered_of(stack)

    def predictions(name: str) -> pl.LazyFrame:
        return stack.serving.log.scan(name)

    readers = {"predictions": predictions}
    return ServedData(stack.link, spine, stack.objects, stack.root, stack.folder / "cache", readers=readers, **told)


def experiments(stack: ServedStack) -> ServedExperiments:
    """Runs."""
    answers = stack.answers()
    metrics: tuple[Metric, ...] = answers.get("experiments.metrics") or ()
    wanted = Wanted(
        metadata=answers.get("experiments.metadata") or (), metrics=tuple(metric.name for metric in metrics)
    )
    spine: Any = stack.spine
    return ServedExperiments(stack.link, spine, stack.objects, root=stack.root, wanted=wanted)


def registry(stack: ServedStack) -> ServedRegistry:
    """Models."""
    spine: Any = stack.spine
    return ServedRegistry(stack.link, spine, stack.objects, lambda model: policy(stack.answers(model)))


def features(stack: ServedStack) -> ServedFeatures:
    """Features: those that lie online are asked of the server."""
    return ServedFeatures(stack.link)


def serving(stack: ServedStack) -> ServedServing:
    """Routes and the prediction log."""
    return ServedServing(stack.link)


def monitoring(stack: ServedStack) -> ServedMonitoring:
    """What the monitors found; labels go there."""
    return ServedMonitoring(stack.link)


def value(stack: ServedStack) -> ServedValue:
    """What the models earn."""
    return ServedValue(stack.link, currency=stack.canvas.project.currency)


def pipelines(stack: ServedStack) -> ServedPipelines:
    """Pipelines of the server: they are queued from here, and its worker executes them."""
    return ServedPipelines(stack.link)
