"""What the models earn, under the payoff of the canvas."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.value import Payoff
from stackcanvas.value import Value

if TYPE_CHECKING:
    import polars as pl

    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Value:
    """The value of a project's endpoints."""

    def payoff(endpoint: str) -> Payoff | None:
        deployed = {status.endpoint: status.live.name for status in stack.deployment.ls()}
        # Before its first release an endpoint is known by the name of the model that will answer there.
        found: Payoff | None = stack.answers(deployed.get(endpoint, endpoint)).get("value.payoff")
        return found

    def judged(endpoint: str, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        # Looked up when it is asked for: monitoring tells value what it learned, so each knows the other.
        return stack.monitoring.labels.judged(endpoint, start, end)

    return Value(
        stack.spine,
        currency=stack.canvas.project.currency,
        payoff=payoff,
        judged=judged,
    )
