"""The registry, and what the canvas asks of every registration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.deployment import ByMetrics
from stackcanvas.canvas.blocks.experiments import Metric
from stackcanvas.canvas.blocks.metadata import Governance
from stackcanvas.canvas.blocks.pipelines import Requirement
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref
from stackcanvas.registry import Asked, Policy, Registry, Rule

if TYPE_CHECKING:
    from stackcanvas.canvas import Effective
    from stackcanvas.stack.stack import Stack


_MODELS = 1_000
_RANKS = ("reader", "writer", "approver", "admin")


def build(stack: Stack) -> Registry:
    """The models of a project."""

    @lru_cache(maxsize=_MODELS)  # the answers of an open stack stay as they are
    def asked(model: str) -> Policy:
        answers = stack.answers(model)
        asked = policy(answers, where=lambda question: _line(stack, model, question))
        if answers.get("features.needed") != "mandatory":
            return asked
        places = {**asked.places, "from_views": _line(stack, model, "features.needed")}
        return replace(asked, from_views=lambda training: is_from_views(stack, training), places=places)

    return Registry(stack.spine, stack.objects, asked, uses=lambda ref: uses(stack, ref))


def is_from_views(stack: Stack, training: Ref) -> bool:
    """Whether a version of data is a training set of feature views, or was made of one, as its parts are."""
    try:
        version = stack.data.get(training).ref
    except NotFound:
        return False
    return any(ref.kind == "view" for ref in stack.spine.lineage.upstream(version).refs)


def policy(answers: Effective, *, where: Callable[[str], str] = str) -> Policy:
    """What the answers ask of a registration.

    Metrics with a threshold and requirements with a bound become rules of the gate; the metric that decides releases is
    compared with the champion. A requirement on a slice is the metric `MEASURE_by_SLICE`, as the check logs it.

    Args:
        where: the line of the canvas that answers a question, to be named when it refuses something.
    """
    released = answers.get("deployment.release_policy")
    compared = released if isinstance(released, ByMetrics) else None
    metrics: tuple[Metric, ...] = answers.get("experiments.metrics") or ()
    rules = [rule for metric in metrics if (rule := _of_metric(metric, compared)) is not None]
    demanded: tuple[Requirement, ...] = answers.get("pipelines.non_functional") or ()
    requirements = [requirement for requirement in demanded if "training" in requirement.tested_in]
    needs_training = answers.get("data.versioning") == "mandatory"
    governance: Governance | None = answers.get("metadata.governance")
    places = {"needs_training": where("data.versioning")} if needs_training else {}
    if metrics:
        places["rules"] = where("experiments.metrics")
    return Policy(
        needs_training=needs_training,
        rules=(*rules, *(_of_requirement(requirement) for requirement in requirements)),
        consents=_consents(governance, where("metadata.governance")) if governance is not None else {},
        allows_python=bool(answers.get("registry.allow_python_models")),
        semantic=answers.get("registry.versioning") != "integer",
        places=places,
    )


def uses(stack: Stack, ref: Ref) -> list[str]:
    """What answers with a version, or stands in for one."""
    said = []
    for status in stack.deployment.ls():
        if status.live == ref:
            said.append(f"the endpoint {status.endpoint} answers with it")
        if status.candidate == ref:
            said.append(f"it is on its way to the endpoint {status.endpoint}")
        fallback = stack.answers(status.live.name).get("serving.fallback")
        newest = fallback is not None and fallback.model == ref.name and stack.registry.get(ref.name).ref == ref
        if newest:
            said.append(f"it stands in at the endpoint {status.endpoint} when the model there fails")
    return said


def _line(stack: Stack, model: str, question: str) -> str:
    """Where a question is answered for a model, with its id."""
    origin = stack.answers(model).origin(question)
    return f"{origin.where} ({question})" if origin.where else question


def _consents(governance: Governance, where: str) -> dict[str, Asked]:
    """Who must agree to what; a role is also held by those above it."""
    found: dict[str, Asked] = {}
    for approval in governance.approvals:
        ranks = _RANKS[_RANKS.index(approval.role) :]
        people = [name for member in governance.roles if member.role in ranks for name in member.people]
        found[approval.action] = Asked(
            minimum=approval.minimum, role=approval.role, people=frozenset(people) if people else None, where=where
        )
    return found


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
