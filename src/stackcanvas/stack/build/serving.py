"""Prediction serving, and what the canvas says of the checks around a prediction and of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks import serving as answered
from stackcanvas.serving import Check, Policy, Serving
from stackcanvas.stack.featuring import lookup

if TYPE_CHECKING:
    from stackcanvas.canvas import Effective
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Serving:
    """Bundles, routes and the prediction log of a project."""
    return Serving(
        stack.spine,
        stack.registry,
        stack.folder,
        policy=lambda model: policy(stack.answers(model)),
        lookup=lambda model: lookup(stack, model),
    )


def policy(answers: Effective) -> Policy:
    """How the versions of a model are served."""
    before: answered.PreAssertion | None = answers.get("serving.pre_assertion")
    after: answered.Fallback | None = answers.get("serving.fallback")
    log: answered.Log = answers.get("serving.log") or answered.Log()
    release = answers.get("deployment.release_policy")
    rules = (*(before.rules if before else ()), *(after.rules if after else ()))
    return Policy(
        checks=tuple(_check(rule) for rule in rules),
        watch_profile=before is not None and before.profile,
        fallback_model=after.model if after else None,
        fallback_constant=after.constant if after else None,
        sticky=getattr(release, "sticky", None),
        drop=log.drop,
        hash=log.hash,
        sample=log.sample,
    )


def _check(rule: answered.Check) -> Check:
    return Check(
        column=rule.column,
        rule=rule.rule,
        action=rule.action,
        min=rule.min,
        max=rule.max,
        values=None if rule.values is None else list(rule.values),
    )
