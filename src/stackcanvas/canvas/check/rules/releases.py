"""Contradictions about releases: which version goes live, who decides, and how traffic moves."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_MOVING = {"canary", "shadow"}
_BESIDE = {"canary", "shadow", "blue-green"}
_ON_TRAFFIC = {"a/b test", "bandit"}


@rule("project.regulated", "registry.needed", severity="error")
def regulated_without_a_registry(said: Said) -> Iterator[Clash]:
    """A law asks which model predicted, and a version may go live unregistered."""
    if said.get("project.regulated") and said.get("registry.needed") == "optional":
        yield clash(
            "registry.needed",
            "project.regulated",
            why="a version that nobody registered could go live, and nobody could say afterwards what it was",
            mend="Make the registry mandatory",
        )


@rule("registry.needed", "deployment.strategy", severity="error")
def two_versions_without_a_registry(said: Said) -> Iterator[Clash]:
    """Two versions stand side by side, and need not be registered."""
    if said.get("deployment.strategy").kind in _BESIDE and said.get("registry.needed") == "optional":
        yield clash(
            "deployment.strategy.kind",
            "registry.needed",
            why="moving traffic between versions, and back, takes versions that can be named",
            mend="Make the registry mandatory, or release with recreate",
        )


@rule("registry.storage", "deployment.strategy", severity="error")
def nothing_to_roll_back_to(said: Said) -> Iterator[Clash]:
    """A release can be taken back, and the version before it is not kept."""
    if said.get("registry.storage.versions_kept") == 1 and said.get("deployment.strategy").kind in _BESIDE:
        yield clash(
            "registry.storage.versions_kept",
            "deployment.strategy.kind",
            why="the version to go back to is deleted as soon as the new one is there",
            mend="Keep at least 2 versions",
        )


@rule("serving.mode", "deployment.strategy", severity="error")
def traffic_moved_where_none_is(said: Said) -> Iterator[Clash]:
    """Traffic moves between versions, and there are no requests to move."""
    kind = said.get("deployment.strategy").kind
    if kind not in _MOVING:
        return
    if said.get("serving.mode.mode") == "batch":
        yield clash(
            "deployment.strategy.kind",
            "serving.mode.mode",
            why=f"a {kind} release moves or copies requests, and a batch has none",
            mend="Release with recreate or blue-green, or serve online",
        )
    elif said.get("serving.mode.pattern") in {"model as dependency", "hybrid serving"}:
        yield clash(
            "deployment.strategy.kind",
            "serving.mode.pattern",
            why="the model is part of the application or of a device, where no router can share requests out",
            mend="Release with recreate, or serve the model as a service",
        )


@rule("serving.mode", "deployment.release_policy", severity="error")
def experiment_where_no_traffic_is(said: Said) -> Iterator[Clash]:
    """Versions compete for users, and no request passes between them."""
    policy = said.get("deployment.release_policy")
    offline = said.get("serving.mode.mode") == "batch"
    inside = said.get("serving.mode.pattern") in {"model as dependency", "precompute", "hybrid serving"}
    if policy.by in _ON_TRAFFIC and (offline or inside):
        yield clash(
            "deployment.release_policy.by",
            "serving.mode.mode" if offline else "serving.mode.pattern",
            why="an experiment shares live requests out between two versions, and there are none to share",
            mend="Decide by metrics or by hand, or serve the model online as a service",
        )


@rule("deployment.release_policy", "deployment.strategy", severity="warning")
def all_traffic_and_an_experiment(said: Said) -> Iterator[Clash]:
    """Versions compete for users, and all traffic goes to one of them."""
    policy, strategy = said.get("deployment.release_policy"), said.get("deployment.strategy")
    if policy.by in _ON_TRAFFIC and strategy.kind in {"recreate", "blue-green", "shadow"}:
        yield clash(
            "deployment.strategy.kind",
            "deployment.release_policy.by",
            why="an experiment needs both versions to answer, and this strategy lets only one of them",
            mend="Release with canary, or decide by metrics or by hand",
        )


@rule(
    "deployment.release_policy",
    "experiments.metrics",
    severity="error",
    also=("monitoring.domain_metrics", "value.payoff"),
)
def decided_by_an_unknown_figure(said: Said) -> Iterator[Clash]:
    """The figure that decides about a release is collected nowhere."""
    policy = said.get("deployment.release_policy")
    part = "reward" if policy.by == "bandit" else "metric"
    figure = getattr(policy, part, None)
    known = {one.name for one in said.all("experiments.metrics")}
    if policy.by in _ON_TRAFFIC:
        payoff = said.get("value.payoff")
        known |= {*said.all("monitoring.domain_metrics"), "payoff"}
        known |= {payoff.kpi.name} if payoff is not None and payoff.kpi is not None else set()
    if figure is not None and figure not in known:
        yield clash(
            f"deployment.release_policy.{part}",
            "experiments.metrics",
            why=f"nothing measures {figure}, so no version could ever win",
            mend=f"Name one of {', '.join(sorted(known)) or 'the figures that you list'}, or list this one",
        )


@rule("deployment.release_policy", severity="error", also=("value.payoff",))
def reward_that_was_set_aside(said: Said) -> Iterator[Clash]:
    """Traffic follows the payoff, and the payoff is said not to apply."""
    policy = said.get("deployment.release_policy")
    aside = said.is_set_aside("value.payoff") and not said.is_written("value.payoff")
    if policy.by == "bandit" and policy.reward == "payoff" and aside:
        yield clash(
            "deployment.release_policy",
            "value.payoff",
            why="decisions say that the payoff does not apply, so there is no reward to follow",
            mend="Answer value.payoff, or name another reward",
        )


@rule("deployment.release_policy", severity="warning")
def users_change_sides(said: Said) -> Iterator[Clash]:
    """An experiment on users does not keep a user on one version."""
    policy = said.get("deployment.release_policy")
    if policy.by == "a/b test" and policy.sticky is None:
        yield clash(
            "deployment.release_policy",
            why="without a column that keeps a user on one version, the same user meets both and the effect blurs",
            mend="Name the column under sticky",
        )


@rule("deployment.release_policy", "serving.log", severity="error")
def experiment_on_a_dropped_column(said: Said) -> Iterator[Clash]:
    """Users are told apart by a column that is not kept."""
    sticky = getattr(said.get("deployment.release_policy"), "sticky", None)
    if sticky is not None and sticky in said.all("serving.log.drop"):
        yield clash(
            "deployment.release_policy.sticky",
            "serving.log.drop",
            why="the outcome of a user cannot be joined to a version when the column is not kept",
            mend="Hash the column instead of dropping it",
        )


@rule("deployment.release_policy", severity="error")
def experiment_on_one_side(said: Said) -> Iterator[Clash]:
    """One of the two versions gets no traffic, or the shares exceed the whole."""
    policy = said.get("deployment.release_policy")
    if policy.by == "a/b test" and policy.share in {0.0, 1.0}:
        part, why, mend = "share", "one of the two versions would answer nobody", "Give each version a share"
    elif policy.by == "bandit" and policy.floor >= 0.5:
        part, why = "floor", "two versions that each keep so much leave nothing to be shared by reward"
        mend = "Choose a floor of a few percent"
    else:
        return
    yield clash(f"deployment.release_policy.{part}", "deployment.release_policy.by", why=why, mend=mend)


@rule("deployment.release_policy", severity="error")
def certainty_that_never_comes(said: Said) -> Iterator[Clash]:
    """A comparison must be surer than any comparison can be."""
    confidence = said.get("deployment.release_policy.confidence")
    if confidence in {0.0, 1.0}:
        never = confidence == 1.0
        yield clash(
            "deployment.release_policy.confidence",
            why="no amount of data makes a comparison this sure" if never else "chance alone would decide",
            mend="Write something like 95%",
        )


@rule("deployment.release_policy", "metadata.governance", severity="error")
def automatic_and_approved(said: Said) -> Iterator[Clash]:
    """A version goes live without a person, and not without a person's consent."""
    policy = said.get("deployment.release_policy")
    for place, approval in enumerate(said.get("metadata.governance").approvals):
        if approval.action == "deploy" and policy.by == "metrics" and policy.automatic:
            written = said.get("deployment.release_policy.automatic")
            yield clash(
                "deployment.release_policy.automatic" if written else "deployment.release_policy",
                f"metadata.governance.approvals.{place}",
                why="a version that passes goes live by itself, yet somebody must consent to every release",
                mend="Say automatic: false, or take the approval away",
            )


@rule("deployment.release_policy", "deployment.strategy", severity="warning")
def shadow_that_goes_live_alone(said: Said) -> Iterator[Clash]:
    """People decide what goes live, and a shadow goes live by itself."""
    strategy = said.get("deployment.strategy")
    if said.get("deployment.release_policy").by == "hand" and strategy.kind == "shadow" and strategy.then == "live":
        yield clash(
            "deployment.strategy.then",
            "deployment.release_policy.by",
            why="the shadow takes over when its time is up, before anybody has looked",
            mend="Say then: stop, or decide by metrics",
        )


@rule("deployment.strategy", severity="warning")
def canary_in_one_step(said: Said) -> Iterator[Clash]:
    """A release in steps has a single one."""
    strategy = said.get("deployment.strategy")
    if strategy.kind == "canary" and len(strategy.steps) == 1:
        yield clash(
            "deployment.strategy.steps",
            "deployment.strategy.kind",
            why="all traffic moves at once, which is what a canary is there to avoid",
            mend="Begin with a small step such as 10%, or release with recreate",
        )


@rule("deployment.strategy", severity="error")
def shadow_that_sees_nothing(said: Said) -> Iterator[Clash]:
    """A shadow gets no requests."""
    strategy = said.get("deployment.strategy")
    if strategy.kind == "shadow" and strategy.sample == 0:
        yield clash(
            "deployment.strategy.sample",
            "deployment.strategy.kind",
            why="no request is copied, so nothing is learned",
            mend="Copy a share of the requests, such as 10%",
        )


@rule("deployment.lead_time", severity="error")
def no_time_at_all(said: Said) -> Iterator[Clash]:
    """A change must be live before it is made."""
    if said.get("deployment.lead_time").total_seconds() <= 0:
        yield clash(
            "deployment.lead_time", why="nothing happens in no time", mend="Write how long it may take, such as 1d"
        )


@rule(
    "deployment.lead_time",
    severity="warning",
    also=(
        "deployment.strategy",
        "deployment.release_policy",
        "pipelines.retraining",
        "experiments.training_infrastructure",
        "metadata.governance",
    ),
)
def slower_than_its_lead_time(said: Said) -> Iterator[Clash]:
    """What stands between a commit and production takes longer than is allowed."""
    allowed = said.get("deployment.lead_time")
    strategy, policy = said.get("deployment.strategy"), said.get("deployment.release_policy")
    for path in (
        "experiments.training_infrastructure.time_per_run",
        *(f"pipelines.retraining.{place}.time_per_run" for place in range(len(said.all("pipelines.retraining")))),
    ):
        took = said.get(path)
        if took is not None and took > allowed:
            yield _too_slow(path, "training alone takes longer")
            return
    steps = len(strategy.steps) - 1 if strategy is not None and strategy.kind == "canary" else 0
    if steps > 0 and steps * strategy.every > allowed:
        yield _too_slow("deployment.strategy", "the steps of the release alone take longer")
    elif strategy is not None and strategy.kind == "shadow" and strategy.lasts > allowed:
        yield _too_slow("deployment.strategy", "the shadow alone takes longer")
    elif policy is not None and policy.by == "hand" and allowed.total_seconds() < 3600:
        yield _too_slow("deployment.release_policy", "a person must look first, and people are not always there")
    elif said.get("metadata.governance.approvals") and allowed.total_seconds() < 3600:
        yield _too_slow("metadata.governance.approvals", "people must consent first, and they are not always there")


def _too_slow(path: str, why: str) -> Clash:
    return clash("deployment.lead_time", path, why=why, mend="Allow more time, or shorten what takes it")
