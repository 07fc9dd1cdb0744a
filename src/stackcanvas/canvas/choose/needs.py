"""What a canvas demands of the tools: abilities, hosting, licences, and what is there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackcanvas.canvas.answered import Canvas, Effective
from stackcanvas.canvas.blocks.dilemma import Platform, Tooling
from stackcanvas.canvas.choose.catalogue import Catalogue
from stackcanvas.canvas.cost.prices import book_of_place
from stackcanvas.canvas.questions import BLOCKS

CHOSEN = (
    "data",
    "experiments",
    "features",
    "foundations",
    "pipelines",
    "registry",
    "deployment",
    "serving",
    "monitoring",
    "metadata",
)
"""The blocks for which there are tools."""
_LARGE_BYTES = 2 * 10**12
_FAST_S = 5000
_CLOUDS = {"aws", "gcp", "azure"}


@dataclass(frozen=True, slots=True)
class Need:
    """An ability that a block's tool must have.

    Attributes:
        ability: as the catalogue calls it.
        question: the answer that asks for it.
        said: the answer in words.
    """

    ability: str
    question: str
    said: str


@dataclass(frozen=True, slots=True)
class Demands:
    """What holds for the choice.

    Attributes:
        needs: by block; a block that is not here needs no tool.
        skipped: by block that needs no tool, why.
        decided: by block, the tooling that the canvas has decided.
        named: names of tools that the canvas says are there.
        hosting: where tools may run.
        licences: the kinds of licence that are allowed.
        provider: the cloud, where there is one.
        have: services that run already.
        level: the maturity that is wanted, else the present one.
        python: Python is among the languages.
        sources: why hosting, licences and provider are so: the answer or option.
    """

    needs: Mapping[str, tuple[Need, ...]]
    skipped: Mapping[str, str]
    decided: Mapping[str, Tooling]
    named: frozenset[str]
    hosting: tuple[str, ...]
    licences: tuple[str, ...]
    provider: str | None
    have: frozenset[str]
    level: str
    python: bool
    sources: Mapping[str, str] = field(default_factory=dict)


def demands(canvas: Canvas, known: Catalogue, *, model: str | None = None, environment: str | None = None) -> Demands:
    """Read the demands off a canvas."""
    answers = canvas.effective(model=model, environment=environment)
    platform = answers.get("dilemma.platform")
    hosting, why_hosting = _hosting(answers, platform, regulated=canvas.project.regulated)
    licences, why_licences = _licences(platform)
    where = answers.get("pipelines.location").where
    cloud = book_of_place(where)
    skipped = dict(_skipped(canvas, answers))
    decided = {one.block: one for one in answers.get("dilemma.tooling") or ()}
    languages = answers.get("experiments.languages") or ("python",)
    return Demands(
        needs={block: tuple(_needs(block, answers)) for block in CHOSEN if block not in skipped},
        skipped=skipped,
        decided=decided,
        named=frozenset(tool.name for name in _named(answers) if (tool := known.find(name)) is not None),
        hosting=hosting,
        licences=licences,
        provider=cloud if cloud in _CLOUDS else None,
        have=frozenset(_have(answers, platform)),
        level=canvas.project.maturity.wanted or canvas.project.maturity.now or "strategic",
        python="python" in languages,
        sources={
            "hosting": why_hosting,
            "licences": why_licences,
            "provider": f"pipelines.location is {where}",
            "python": f"experiments.languages is {', '.join(languages)}",
        },
    )


def _skipped(canvas: Canvas, answers: Effective) -> Iterator[tuple[str, str]]:
    """A block that the canvas calls optional and says nothing else about needs no tool yet."""
    for block in ("features", "registry", "monitoring"):
        question = f"{block}.needed"
        said = canvas.decisions.get(question)
        if said is not None and said.status == "not applicable":
            yield block, f"{question} is set aside"
        elif answers.get(question) == "optional":
            others = [one.id for one in BLOCKS[block].questions if one.id != question and one.id in canvas.answered]
            if not others:
                yield block, f"{question} is optional, and nothing else is asked of it"


def _hosting(answers: Effective, platform: Platform | None, *, regulated: bool) -> tuple[tuple[str, ...], str]:
    if platform is not None and platform.hosting:
        return platform.hosting, f"dilemma.platform.hosting is {', '.join(platform.hosting)}"
    personal = any(source.personal for source in answers.get("data.sources") or ())
    cluster = ["kubernetes"] if answers.get("deployment.target").where == "kubernetes" else []
    if regulated and personal:
        return ("embedded", "server", *cluster), "project.regulated is yes and data.sources tell of persons"
    return ("embedded", "server", "saas", *cluster), "no answer asks for another place (dilemma.platform.hosting)"


def _licences(platform: Platform | None) -> tuple[tuple[str, ...], str]:
    if platform is None or platform.licences is None or platform.licences == "any":
        return ("open-source", "source-available", "commercial", "cloud-managed"), "no answer limits licences"
    allowed = ("open-source",) if platform.licences == "open source" else ("open-source", "source-available")
    return allowed, f"dilemma.platform.licences is {platform.licences}"


def _have(answers: Effective, platform: Platform | None) -> Iterator[str]:
    """Services that the canvas says are there."""
    yield from (one.lower() for one in (platform.have if platform is not None else ()))
    if answers.get("metadata.store.url").scheme == "postgresql":
        yield "postgres"
    if answers.get("features.databases.online").scheme in {"redis", "rediss"}:
        yield "redis"
    if answers.get("data.storage.objects").scheme in {"s3", "gs", "az"}:
        yield from ("s3", "cloud account")
    if answers.get("deployment.target").where == "kubernetes":
        yield "kubernetes"
    where = book_of_place(answers.get("pipelines.location").where)
    yield from {
        "aws": ("aws account", "cloud account", "s3"),
        "gcp": ("gcp project", "cloud account"),
        "azure": ("azure subscription", "cloud account"),
    }.get(where, ())


def _named(answers: Effective) -> Iterator[str]:
    """Every tool that an answer names."""
    for question in ("data.pipeline_tools", "foundations.performance_monitoring"):
        yield from answers.get(question) or ()
    for question in ("foundations.ci_cd", "pipelines.ci"):
        answer = answers.get(question)
        yield from answer.tools if answer is not None else ()
    workflow = answers.get("pipelines.workflow")
    if workflow is not None:
        yield workflow.technology
    for one in answers.get("dilemma.tooling") or ():
        yield one.tool or ""


def _needs(block: str, answers: Effective) -> Iterator[Need]:
    found = _NEEDS.get(block)
    if found is not None:
        yield from found(answers)


def _data(answers: Effective) -> Iterator[Need]:
    method = answers.get("data.version_method")
    if method is not None and method.level > 0:
        yield Need(f"level {method.level}", "data.version_method", f"data are versioned at level {method.level}")
    yield from _large(answers)


def _large(answers: Effective) -> Iterator[Need]:
    total = sum(source.size + 12 * source.growth for source in answers.get("data.sources") or ())
    if total > _LARGE_BYTES:
        yield Need("large", "data.sources", f"in a year the data are {total / 10**12:.1f} TB")


def _languages(answers: Effective) -> Iterator[Need]:
    languages = answers.get("experiments.languages")
    if languages and "python" not in languages:
        yield Need("other languages", "experiments.languages", f"the languages are {', '.join(languages)}")


def _features(answers: Effective) -> Iterator[Need]:
    for mode in dict.fromkeys(view.mode for view in answers.get("features.computation") or ()):
        yield Need(mode, "features.computation", f"views are computed {'in batches' if mode == 'batch' else mode}")
    yield from _large(answers)


def _pipelines(answers: Effective) -> Iterator[Need]:
    triggers = answers.get("pipelines.retraining") or ()
    if any(trigger.cron for trigger in triggers):
        yield Need("schedule", "pipelines.retraining", "a schedule starts a pipeline")
    if any(trigger.on for trigger in triggers):
        yield Need("events", "pipelines.retraining", "an event starts a pipeline")
    distributed = answers.get("pipelines.distributed_training")
    if distributed is not None and distributed.needed:
        yield Need("distributed", "pipelines.distributed_training", "training needs several machines")
    yield from (*_languages(answers), *_large(answers))


def _deployment(answers: Effective) -> Iterator[Need]:
    strategy = answers.get("deployment.strategy").kind
    yield Need(strategy, "deployment.strategy", f"the strategy is {strategy}")
    policy = answers.get("deployment.release_policy").by
    if policy in {"a/b test", "bandit"}:
        yield Need(policy, "deployment.release_policy", f"versions are released by {policy}")
    yield from _target(answers)


def _target(answers: Effective) -> Iterator[Need]:
    where = answers.get("deployment.target").where
    if where in {"kubernetes", "edge"}:
        yield Need(where, "deployment.target", f"predictions are served on {where}")


def _serving(answers: Effective) -> Iterator[Need]:
    mode = answers.get("serving.mode")
    ability = {"model as service": mode.mode, "precompute": "batch"}.get(mode.pattern, mode.pattern)
    yield Need(ability, "serving.mode", f"predictions are {mode.mode}, by {mode.pattern}")
    accelerators = answers.get("serving.accelerators")
    if accelerators.kind not in {"none", "openvino", "coreml"}:
        yield Need("gpu", "serving.accelerators", f"predictions need {accelerators.kind}")
    volume = answers.get("serving.volume")
    if volume is not None and volume.peak_per_second > _FAST_S:
        yield Need("scale", "serving.volume", f"the busiest second has {volume.peak_per_second:g} requests")
    yield from _target(answers)


def _monitoring(answers: Effective) -> Iterator[Need]:
    yield Need("drift", "monitoring.skew", "drift is to be seen")
    if answers.get("monitoring.decay") is not None:
        yield Need("performance", "monitoring.decay", "decay is to be seen")


def _registry(answers: Effective) -> Iterator[Need]:
    del answers
    yield Need("versions", "registry.needed", "models have versions")


def _metadata(answers: Effective) -> Iterator[Need]:
    del answers
    yield Need("lineage", "metadata.collected", "records lead from data to predictions")


_NEEDS: Mapping[str, Any] = {
    "data": _data,
    "experiments": _languages,
    "features": _features,
    "pipelines": _pipelines,
    "registry": _registry,
    "deployment": _deployment,
    "serving": _serving,
    "monitoring": _monitoring,
    "metadata": _metadata,
}
