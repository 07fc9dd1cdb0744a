"""The registry, and what the canvas asks of every registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.deployment import ByMetrics
from stackcanvas.canvas.blocks.experiments import Metric
from stackcanvas.canvas.blocks.pipelines import Requirement
from stackcanvas.registry import Policy, Registry, Rule

if TYPE_CHECKING:
    from stackcanvas.canvas import Effective
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Registry:
    """The models of a project."""
    return Registry(stack.spine, stack.objects, lambda model: policy(stack.answers(model)))


def policy(answers: Effective) -> Policy:
    """What the answers ask of a registration.

    Metrics with a threshold and requirements with a bound become rules of the gate; the metric that decides releases is
    compared with the champion. A requirement on a slice is the metric `MEASURE_by_SLICE`, as the check logs it.
    """
    released = answers.get("deployment.release_policy")
    compared = released if isinstance(released, ByMetrics) else None
    metrics: tuple[Metric, ...] = answers.get("experiments.metrics") or ()
    rules = [rule for metric in metrics if (rule := _of_metric(metric, compared)) is not None]
    asked: tuple[Requirement, ...] = answers.get("pipelines.non_functional") or ()
    requirements = [requirement for requirement in asked if "training" in requirement.tested_in]
    return Policy(
        needs_training=answers.get("data.versioning") == "mandatory",
        rules=(*rules, *(_of_requirement(requirement) for requirement in requirements)),
    )


def _of_metric(metric: Metric, compared: ByMetrics | None) -> Rule | None:
    decides = compared is not None and compared.metric == metric.name
    if metric.threshold is None and not decides:
        return None
    higher = metric.direction == "higher"
    return Rule(
        metric.name,
        at_least=metric.threshold if higher else None,
        at_most=None if higher else metric.threshold,
        # The canvas says by how much the new version must be better, the gate how much worse it may be.
        margin=0.0 - compared.margin if compared is not None and decides else None,
        confidence=compared.confidence if compared is not None and decides else 0.95,
        higher_is_better=higher,
    )


def _of_requirement(requirement: Requirement) -> Rule:
    name = requirement.measure if requirement.slice is None else f"{requirement.measure}_by_{requirement.slice}"
    return Rule(name, at_least=requirement.at_least, at_most=requirement.at_most, blocks=requirement.gate == "block")
