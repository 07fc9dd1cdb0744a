"""Monitoring, and what the canvas says of what is watched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.monitoring import Alerting
from stackcanvas.metadata import Ref
from stackcanvas.monitoring import Live, Monitoring, Policy, Registered, policy_of

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Monitoring:
    """The watch over a project's endpoints."""

    def live() -> Iterator[Live]:
        return (Live(status.endpoint, status.live, status.live_since) for status in stack.deployment.ls())

    def registered(model: Ref) -> Registered:
        return Registered(stack.registry.profile(model), stack.registry.get(model).metrics)

    def policy(endpoint: str) -> Policy:
        model = stack.deployment.status(endpoint).live.name
        answers = stack.answers(model).answers
        # What the log keeps as a hash cannot be compared with the training data.
        return policy_of(answers.monitoring, ignored=answers.serving.log.hash if answers.serving.log else ())

    return Monitoring(
        stack.spine,
        stack.serving.log,
        live=live,
        registered=registered,
        policy=policy,
        channels=_channels(stack),
        learned=stack.value.learned,
    )


def _channels(stack: Stack) -> dict[str, str]:
    """Address by name of a channel, secrets included."""
    answers = stack.answers()
    alerting: Alerting | None = answers.get("monitoring.alerting")
    where = answers.origin("monitoring.alerting").where
    channels = alerting.channels if alerting is not None else ()
    return {channel.name: channel.url.resolve(os.environ, where=where) for channel in channels}
