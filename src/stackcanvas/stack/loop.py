"""The loop: a version that passed the gate goes live as the canvas says, and what is live is the champion.

Both flows look at the records and make them so; run twice, or after a kill, they do nothing more.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.deployment import ByMetrics
from stackcanvas.deployment import Release
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref
from stackcanvas.registry.consents import DELETE
from stackcanvas.stack.build.deployment import endpoint_of, strategy_of

if TYPE_CHECKING:
    from stackcanvas.registry import ModelVersion
    from stackcanvas.stack.stack import Stack

CHAMPION = "champion"


def release(stack: Stack, now: datetime) -> list[Release]:  # noqa: ARG001 - every tick takes the time
    """Begin a release for each model whose newest version is to go live by its metrics, without a person."""
    started = [_release_model(stack, model.name) for model in stack.registry.ls()]
    return [found for found in started if found is not None]


def crown(stack: Stack, now: datetime) -> list[ModelVersion]:  # noqa: ARG001 - every tick takes the time
    """Give the alias `champion` to the version that is live; the gate compares with it."""
    crowned: list[ModelVersion] = []
    for status in stack.deployment.ls():
        live = stack.registry.get(status.live)
        if status.endpoint == endpoint_of(stack, live.name) and CHAMPION not in live.aliases:
            crowned.append(stack.registry.alias(live.ref, CHAMPION))
    return crowned


def _release_model(stack: Stack, model: str) -> Release | None:
    answers = stack.answers(model)
    policy = answers.get("deployment.release_policy")
    if not (isinstance(policy, ByMetrics) and policy.automatic):
        return None
    newest = _newest(stack, model)
    endpoint = endpoint_of(stack, model)
    if newest is None or not _is_next(stack, endpoint, newest.ref):
        return None
    reason = f"registered {newest.created:%Y-%m-%d %H:%M} UTC and passed the gate"
    return stack.deployment.deploy(endpoint, newest.ref, strategy=strategy_of(answers), reason=reason)


def _newest(stack: Stack, model: str) -> ModelVersion | None:
    """The newest version that may go live; one that people must still agree to keeps its turn."""
    newest = next((version for version in stack.registry.versions(model) if version.is_held), None)
    if newest is None:
        return None
    awaited = (one for one in stack.registry.consents.standing(newest.ref) if one.action != DELETE)
    return None if any(one.missing for one in awaited) else newest


def _is_next(stack: Stack, endpoint: str, model: Ref) -> bool:
    """Whether nothing is on its way and the version has not had its turn: one that was rolled back does not return."""
    try:
        status = stack.deployment.status(endpoint)
    except NotFound:
        return True
    if status.candidate is not None or status.live == model:
        return False
    return all(had.model != model for had in stack.deployment.history(endpoint, limit=1000))
