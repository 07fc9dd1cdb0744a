"""Deployment, and what the canvas says of who may go live and how."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks import deployment as answered
from stackcanvas.deployment import Analysis, BlueGreen, Canary, Deployment, Health, Recreate, Shadow, Strategy
from stackcanvas.errors import Refused
from stackcanvas.metadata import Ref

if TYPE_CHECKING:
    from stackcanvas.canvas import Effective
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Deployment:
    """The endpoints of a project."""

    def allow(model: Ref) -> None:
        version = stack.registry.consents.require(model, "register", "deploy", "python")
        if version.gate is not None and not version.gate.passed:
            raise Refused(f"{model} has not passed the gate: {'; '.join(version.gate.reasons)}")

    def health(endpoint: str, model: Ref, start: datetime, end: datetime) -> Health:
        counts = stack.serving.counts(endpoint, model=model, start=start, end=end)
        p99 = None if counts.p99_us is None else timedelta(microseconds=counts.p99_us)
        return Health(predictions=counts.predictions, errors=counts.errors, fallbacks=counts.fallbacks, p99=p99)

    return Deployment(stack.spine, stack.serving, allow=allow, health=health)


def endpoint_of(stack: Stack, model: str) -> str:
    """The endpoint where a model answers: the canvas's, or the model's own name."""
    mode = stack.answers(model).get("serving.mode")
    return (mode.endpoint if mode is not None else None) or model


def strategy_of(answers: Effective) -> Strategy:
    """How the canvas lets traffic move to a new version."""
    match answers.get("deployment.strategy"):
        case answered.Canary() as canary:
            return Canary(steps=canary.steps, every=canary.every, analysis=_analysis(canary.analysis))
        case answered.BlueGreen() as blue_green:
            return BlueGreen(keep=blue_green.keep, analysis=_analysis(blue_green.analysis))
        case answered.Shadow() as shadow:
            live = shadow.then == "live"
            return Shadow(sample=shadow.sample, lasts=shadow.lasts, then_live=live, analysis=_analysis(shadow.analysis))
        case _:
            return Recreate()


def _analysis(answer: answered.Analysis) -> Analysis:
    return Analysis(
        min_predictions=answer.min_predictions,
        max_error_rate=answer.max_error_rate,
        max_fallback_rate=answer.max_fallback_rate,
        max_p99=answer.max_p99,
    )
