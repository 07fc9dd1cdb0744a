"""Contradictions about foundations: what all automation stands on."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_SERVICES = (
    "github actions", "gitlab ci", "jenkins", "circleci", "azure pipelines", "azure devops", "buildkite", "travis",
    "drone", "teamcity", "bitbucket pipelines", "tekton", "bamboo", "forgejo actions",
)  # fmt: skip


@rule("foundations.version_control", "foundations.ci_cd", severity="error")
def delivery_without_version_control(said: Said) -> Iterator[Clash]:
    """Changes of code are tested and delivered, and no system keeps them."""
    if said.get("foundations.version_control.tool") == "none" and said.all("foundations.ci_cd.tools"):
        yield clash(
            "foundations.ci_cd.tools",
            "foundations.version_control.tool",
            why="a delivery pipeline starts at a commit, and nothing is committed",
            mend="Put the code under version control first",
        )


@rule("foundations.version_control", "foundations.trunk_based", severity="error")
def trunk_without_version_control(said: Said) -> Iterator[Clash]:
    """All work returns to one branch, and there are no branches."""
    if said.get("foundations.version_control.tool") == "none" and said.get("foundations.trunk_based"):
        yield clash(
            "foundations.trunk_based",
            "foundations.version_control.tool",
            why="without version control there is no branch to return to",
            mend="Put the code under version control, or say trunk_based: false",
        )


@rule("foundations.version_control", "pipelines.retraining", severity="error")
def code_trigger_without_version_control(said: Said) -> Iterator[Clash]:
    """Training starts when code changes, and nothing can tell that it does."""
    if said.get("foundations.version_control.tool") != "none":
        return
    for place, trigger in enumerate(said.all("pipelines.retraining")):
        if trigger.on is not None and trigger.on.name == "code.changed":
            yield clash(
                f"pipelines.retraining.{place}.on",
                "foundations.version_control.tool",
                why="a change of code is seen in version control, and there is none",
                mend="Put the code under version control, or start training by something else",
            )


@rule(
    "foundations.version_control", severity="warning", also=("pipelines.retraining", "features.needed", "pipelines.ci")
)
def automation_before_foundations(said: Said) -> Iterator[Clash]:
    """Automation is built before code is under version control."""
    if said.get("foundations.version_control.tool") != "none":
        return
    triggers = said.all("pipelines.retraining")
    started = next((place for place, one in enumerate(triggers) if one.cron is not None or one.on is not None), None)
    if started is not None:
        yield _too_early(f"pipelines.retraining.{started}")
    elif said.get("features.needed") == "mandatory":
        yield _too_early("features.needed")
    elif said.get("pipelines.ci"):
        yield _too_early("pipelines.ci")


def _too_early(path: str) -> Clash:
    return clash(
        path,
        "foundations.version_control.tool",
        why="what runs by itself must be traceable to a commit, and there are none",
        mend="Mend the foundations first: put the code under version control",
    )


@rule("foundations.ci_cd", "deployment.release_policy", severity="warning")
def automatic_release_without_delivery(said: Said) -> Iterator[Clash]:
    """Versions go live without a person, and no tool tests a change of code."""
    policy = said.get("deployment.release_policy")
    automatic = policy.by in {"a/b test", "bandit"} or (policy.by == "metrics" and policy.automatic)
    if automatic and not said.all("foundations.ci_cd.tools"):
        yield clash(
            "deployment.release_policy",
            "foundations.ci_cd.tools",
            why="models go live by themselves on code that nothing has tested",
            mend="Name what tests the code, or let a person decide until there is something",
        )


@rule("foundations.notebooks", severity="warning", also=("pipelines.workflow", "data.pipeline_tools"))
def notebooks_in_production(said: Said) -> Iterator[Clash]:
    """Notebooks run in production, and need no versions."""
    if said.get("foundations.notebooks") is not False:
        return
    for path in ("pipelines.workflow.technology", "data.pipeline_tools"):
        words = str(said.get(path) or "").lower()
        if "notebook" in words or "jupyter" in words or "papermill" in words:
            yield clash(
                "foundations.notebooks",
                path,
                why="notebooks drive production while nobody keeps their versions",
                mend="Say notebooks: true, or move the steps into modules",
            )
            return


@rule("foundations.delivery_metrics", "metadata.operational", severity="warning")
def delivery_figures_tracked_and_not(said: Said) -> Iterator[Clash]:
    """Delivery figures are kept and not tracked, or tracked and not kept."""
    tracked, kept = said.get("foundations.delivery_metrics"), said.all("metadata.operational")
    if not tracked and kept:
        why = "figures are to be kept that nobody tracks"
        mend = "Say delivery_metrics: true, or leave metadata.operational empty"
    elif tracked and not kept:
        why = "figures are tracked, and none of them is kept"
        mend = "List the figures in metadata.operational, or say delivery_metrics: false"
    else:
        return
    yield clash("foundations.delivery_metrics", "metadata.operational", why=why, mend=mend)


@rule("foundations.ci_cd", "pipelines.ci", severity="warning")
def two_services_for_ci(said: Said) -> Iterator[Clash]:
    """Code and pipelines are tested by two different services."""
    code, pipeline = (_services(said.all(path)) for path in ("foundations.ci_cd.tools", "pipelines.ci.tools"))
    if code and pipeline and not code & pipeline:
        yield clash(
            "pipelines.ci.tools",
            "foundations.ci_cd.tools",
            why="two services do the same work, and both must be kept alive",
            mend="Test pipelines where the code is tested",
        )


def _services(tools: tuple[str, ...]) -> set[str]:
    named = {tool.lower().replace("-", " ").replace("_", " ") for tool in tools}
    return {service for service in _SERVICES for tool in named if service in tool or tool in service.split()[:1]}


@rule("foundations.trunk_based", "deployment.lead_time", severity="warning")
def long_branches_and_a_short_lead_time(said: Said) -> Iterator[Clash]:
    """A change must be live within a day, and waits on a branch for longer."""
    lead_time = said.get("deployment.lead_time")
    if said.get("foundations.trunk_based") is False and lead_time.total_seconds() < 86_400:
        yield clash(
            "deployment.lead_time",
            "foundations.trunk_based",
            why="a change that waits on a branch for days cannot be live within one",
            mend="Merge within a day, or allow more time",
        )
