"""Contradictions about experiments: languages, frameworks, figures and what a run must record."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_SPEAKS = {
    "scikit-learn": {"python"},
    "lightgbm": {"python", "r"},
    "xgboost": {"python", "r", "scala", "julia"},
    "catboost": {"python", "r"},
    "pytorch": {"python", "r"},
    "tensorflow": {"python", "r"},
    "keras": {"python", "r"},
    "jax": {"python"},
    "transformers": {"python"},
    "statsmodels": {"python"},
    "prophet": {"python", "r"},
    "spark": {"python", "r", "scala", "sql"},
    "r": {"r"},
}
_ON_PROCESSORS = {"scikit-learn", "statsmodels", "prophet", "r"}


@rule("experiments.languages", "experiments.frameworks", severity="error")
def framework_in_no_language(said: Said) -> Iterator[Clash]:
    """A framework is used that no language of the team can call."""
    languages = set(said.all("experiments.languages"))
    if not languages or "other" in languages:
        return
    for place, framework in enumerate(said.all("experiments.frameworks")):
        speaks = _SPEAKS.get(framework)
        if speaks is not None and not speaks & languages:
            yield clash(
                f"experiments.frameworks.{place}",
                "experiments.languages",
                why=f"{framework} is called from {' or '.join(sorted(speaks))}, which nobody here uses",
                mend="Add the language, or drop the framework",
            )


@rule("experiments.training_infrastructure", "experiments.frameworks", severity="warning")
def accelerators_that_nothing_uses(said: Said) -> Iterator[Clash]:
    """Training takes accelerators, and no framework can use one."""
    frameworks = set(said.all("experiments.frameworks"))
    if said.get("experiments.training_infrastructure.gpus") and frameworks and frameworks <= _ON_PROCESSORS:
        yield clash(
            "experiments.training_infrastructure.gpus",
            "experiments.frameworks",
            why="these frameworks compute on the processor, so the accelerators would be paid for and idle",
            mend="Ask for 0 GPUs, or name the framework that needs them",
        )


@rule("experiments.training_infrastructure", severity="warning")
def accelerator_named_but_not_taken(said: Said) -> Iterator[Clash]:
    """A model of accelerator is named, and none is taken."""
    if (
        said.get("experiments.training_infrastructure.gpu")
        and said.get("experiments.training_infrastructure.gpus") == 0
    ):
        yield clash(
            "experiments.training_infrastructure.gpu",
            "experiments.training_infrastructure.gpus",
            why="an accelerator is named that no run gets",
            mend="Say how many a run takes, or leave its name out",
        )


@rule("data.versioning", "experiments.metadata", severity="error")
def runs_forget_their_data(said: Said) -> Iterator[Clash]:
    """Data versions are mandatory, and runs do not record them."""
    if said.get("data.versioning") == "mandatory" and "data" not in said.all("experiments.metadata"):
        yield clash(
            "experiments.metadata",
            "data.versioning",
            why="a model whose run names no data is refused at registration",
            mend="Add data to what every run records",
        )


@rule("project.regulated", "experiments.metadata", severity="warning")
def regulated_runs_cannot_be_repeated(said: Said) -> Iterator[Clash]:
    """An auditor may ask how a model was made, and runs do not record enough to tell."""
    missing = [one for one in ("code", "data", "parameters") if one not in said.all("experiments.metadata")]
    if said.get("project.regulated") and missing:
        yield clash(
            "experiments.metadata",
            "project.regulated",
            why=f"without {' and '.join(missing)} no run can be repeated for an auditor",
            mend=f"Add {', '.join(missing)}",
        )


@rule("experiments.metrics", "monitoring.decay", severity="error")
def decay_in_the_wrong_direction(said: Said) -> Iterator[Clash]:
    """The bound of decay lies on the side where the figure is good."""
    metric = said.get("monitoring.decay.metric")
    low, high = said.get("monitoring.decay.at_least"), said.get("monitoring.decay.at_most")
    for place, one in enumerate(said.all("experiments.metrics")):
        if one.name != metric:
            continue
        part = "at_most" if one.direction == "higher" else "at_least"
        other = "at_least" if part == "at_most" else "at_most"
        wrong, right = (high, low) if part == "at_most" else (low, high)
        if wrong is not None and right is None:
            yield clash(
                f"monitoring.decay.{part}",
                f"experiments.metrics.{place}.direction",
                why=f"the alarm would ring when {metric} is good, and stay silent when it is bad",
                mend=f"Write {other} in place of {part}, or turn the direction",
            )


@rule("experiments.metrics", "monitoring.decay", severity="error")
def decayed_at_birth(said: Said) -> Iterator[Clash]:
    """A version may be registered that already counts as decayed."""
    metric = said.get("monitoring.decay.metric")
    low, high = said.get("monitoring.decay.at_least"), said.get("monitoring.decay.at_most")
    for place, one in enumerate(said.all("experiments.metrics")):
        if one.name != metric or one.threshold is None:
            continue
        bound = low if one.direction == "higher" else high
        if bound is not None and (bound > one.threshold if one.direction == "higher" else bound < one.threshold):
            yield clash(
                f"monitoring.decay.{'at_least' if one.direction == 'higher' else 'at_most'}",
                f"experiments.metrics.{place}.threshold",
                why=f"a version that just passes the gate with {metric} {one.threshold:g} counts as decayed at once",
                mend="Make the bound of decay looser than the threshold of registration",
            )


@rule("experiments.metrics", "pipelines.non_functional", severity="error")
def requirement_in_the_wrong_direction(said: Said) -> Iterator[Clash]:
    """A requirement bounds a figure on the side where it is good."""
    known = {one.name: (place, one) for place, one in enumerate(said.all("experiments.metrics"))}
    for place, requirement in enumerate(said.all("pipelines.non_functional")):
        if requirement.measure not in known:
            continue
        at, metric = known[requirement.measure]
        part = "at_most" if metric.direction == "higher" else "at_least"
        other = "at_least" if part == "at_most" else "at_most"
        if getattr(requirement, part) is not None and getattr(requirement, other) is None:
            yield clash(
                f"pipelines.non_functional.{place}.{part}",
                f"experiments.metrics.{at}.direction",
                why=f"the better {metric.name} becomes, the sooner the check refuses the version",
                mend=f"Write {other} in place of {part}, or turn the direction",
            )


@rule("experiments.metrics", "pipelines.non_functional", severity="warning")
def two_gates_for_one_figure(said: Said) -> Iterator[Clash]:
    """One figure has two bounds that both decide about registration."""
    known = {one.name: (place, one) for place, one in enumerate(said.all("experiments.metrics"))}
    for place, requirement in enumerate(said.all("pipelines.non_functional")):
        at, metric = known.get(requirement.measure, (0, None))
        if metric is None or metric.threshold is None or requirement.slice or requirement.gate != "block":
            continue
        part = "at_least" if metric.direction == "higher" else "at_most"
        bound = getattr(requirement, part)
        if bound is not None and bound != metric.threshold:
            yield clash(
                f"pipelines.non_functional.{place}.{part}",
                f"experiments.metrics.{at}.threshold",
                why=f"{metric.name} is asked for twice, and only the stricter bound ever decides",
                mend="Give the same bound in both places, or one of them only",
            )


@rule("experiments.metrics", "monitoring.ml_metrics", severity="warning")
def production_measures_something_else(said: Said) -> Iterator[Clash]:
    """No figure of production is among those of training."""
    trained = {one.name for one in said.all("experiments.metrics")}
    if trained and said.all("monitoring.ml_metrics") and not trained & set(said.all("monitoring.ml_metrics")):
        yield clash(
            "monitoring.ml_metrics",
            "experiments.metrics",
            why="nothing measured in production can be laid beside what was measured in training",
            mend="Name at least one figure in both",
        )


@rule("monitoring.decay", "monitoring.ml_metrics", severity="warning")
def decay_of_what_is_not_collected(said: Said) -> Iterator[Clash]:
    """Decay is told from a figure that nobody collects."""
    if said.get("monitoring.decay.metric") not in said.all("monitoring.ml_metrics"):
        yield clash(
            "monitoring.decay.metric",
            "monitoring.ml_metrics",
            why="decay is told from a figure that production does not collect",
            mend="Add it to monitoring.ml_metrics, or watch a figure that is there",
        )
