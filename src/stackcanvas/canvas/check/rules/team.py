"""Contradictions about the team: what it claims, what it buys, whom it hires, what it is all worth."""

from __future__ import annotations

from collections.abc import Iterator

from stackcanvas.canvas.blocks import QUESTION_IDS
from stackcanvas.canvas.check.rule import Clash, clash, rule
from stackcanvas.canvas.said import Said

_LEVELS = ("tactical", "strategic", "transformational")
_PARTS = ("for", "who", "product", "category", "benefit")


@rule("value.positioning", severity="warning")
def positioning_in_part(said: Said) -> Iterator[Clash]:
    """The statement of value lacks one of its five parts."""
    missing = [part for part in _PARTS if said.get(f"value.positioning.{part}") is None]
    if missing:
        yield clash(
            "value.positioning",
            why=f"the statement says nothing about {', '.join(repr(part) for part in missing)}",
            mend="Add the missing part; if it is hard to fill in, that is worth knowing before anything is built",
        )


@rule("value.payoff", severity="warning")
def payoff_that_never_pays(said: Said) -> Iterator[Clash]:
    """No prediction brings anything."""
    if all(outcome.worth <= 0 for outcome in said.get("value.payoff").outcomes):
        yield clash(
            "value.payoff.outcomes",
            why="no outcome is worth more than nothing, so the best model is none",
            mend="Give the worth of a right prediction",
        )


@rule("value.payoff", severity="warning")
def threshold_where_it_does_not_pay(said: Said) -> Iterator[Clash]:
    """A score counts as true from a probability at which it does not pay."""
    payoff = said.get("value.payoff")
    if payoff.threshold is None or not any(outcome.predicted is True for outcome in payoff.outcomes):
        return
    gain = payoff.worth(predicted=True, actual=True) - payoff.worth(predicted=False, actual=True)
    loss = payoff.worth(predicted=False, actual=False) - payoff.worth(predicted=True, actual=False)
    if gain + loss <= 0:
        return
    best = float(loss / (gain + loss))
    if abs(best - payoff.threshold) > 0.15:
        yield clash(
            "value.payoff.threshold",
            "value.payoff.outcomes",
            why=f"by these amounts acting pays from a probability of about {best:.0%}",
            mend=f"Write threshold: {best:.0%}, or look at the amounts again",
        )


@rule(severity="warning", also=QUESTION_IDS)
def answered_and_set_aside(said: Said) -> Iterator[Clash]:
    """A question is answered, and said not to apply."""
    for question in QUESTION_IDS:
        if said.is_set_aside(question) and said.is_written(question):
            yield clash(
                question,
                why=f"decisions say that {question} does not apply, and the stack acts on the answer all the same",
                mend="Take the answer away, or the words under decisions",
            )


@rule("project.maturity.now", "project.maturity.wanted", severity="warning")
def wants_less_than_it_has(said: Said) -> Iterator[Clash]:
    """The team wants to stand below where it stands."""
    now, wanted = said.get("project.maturity.now"), said.get("project.maturity.wanted")
    if _LEVELS.index(wanted) < _LEVELS.index(now):
        yield clash(
            "project.maturity.wanted",
            "project.maturity.now",
            why="less is wanted than is there",
            mend="Turn the two round, or want at least the level of now",
        )


@rule("project.maturity.now", severity="warning", also=("deployment.release_policy", "pipelines.retraining"))
def transformational_by_hand(said: Said) -> Iterator[Clash]:
    """A team that calls itself fully automated starts or releases by hand."""
    if said.get("project.maturity.now") != "transformational":
        return
    triggers = said.get("pipelines.retraining")
    if triggers is not None and all(one.cron is None and one.on is None for one in triggers):
        yield _claimed("pipelines.retraining", "nothing trains without a person")
    policy = said.get("deployment.release_policy")
    if policy is not None and policy.by == "hand":
        yield _claimed("deployment.release_policy.by", "nothing goes live without a person")


def _claimed(path: str, why: str) -> Clash:
    return clash(
        "project.maturity.now",
        path,
        why=f"{why}, while transformational means that all of it is automated",
        mend="Automate it, or say strategic",
    )


@rule(
    "project.maturity.now",
    severity="warning",
    also=(
        "project.maturity.wanted",
        "pipelines.distributed_training",
        "deployment.release_policy",
        "deployment.target",
    ),
)
def tactical_with_heavy_machinery(said: Said) -> Iterator[Clash]:
    """A first, small project takes on what large platforms need."""
    if said.get("project.maturity.now") != "tactical" or said.get("project.maturity.wanted") not in {None, "tactical"}:
        return
    policy = said.get("deployment.release_policy")
    heavy = (
        ("pipelines.distributed_training.needed", said.get("pipelines.distributed_training.needed") is True),
        ("deployment.release_policy.by", policy is not None and policy.by in {"bandit", "a/b test"}),
        ("deployment.target.where", said.get("deployment.target.where") == "kubernetes"),
    )
    for path, holds in heavy:
        if holds:
            yield clash(
                path,
                "project.maturity.now",
                why="this costs more to keep alive than a first project can earn",
                mend="Leave it out for now, or say that more is wanted",
            )


@rule("dilemma.skills", severity="error")
def skills_from_nowhere(said: Said) -> Iterator[Clash]:
    """The way to new skills and its figures do not agree."""
    choice = said.get("dilemma.skills.choice")
    hires, days = said.get("dilemma.skills.hires"), said.get("dilemma.skills.training_days")
    if hires == 0 and choice in {"hire", "both"}:
        part, why, mend = "hires", "skills are to be hired, and nobody is", "Say how many, or educate"
    elif hires and choice in {"educate", "neither"}:
        part, why, mend = "hires", "people are hired although they are not meant to be", "Say hire or both, or hires: 0"
    elif days == 0 and choice in {"educate", "both"}:
        part, why, mend = "training_days", "people are to learn, and get no day for it", "Give days, or hire"
    elif days and choice in {"hire", "neither"}:
        part, why = "training_days", "days of training are counted that nobody is meant to take"
        mend = "Say educate or both, or training_days: 0"
    else:
        return
    yield clash("dilemma.skills.choice", f"dilemma.skills.{part}", why=why, mend=mend)


@rule("dilemma.skills", "experiments.frameworks", severity="warning")
def skills_that_nobody_has(said: Said) -> Iterator[Clash]:
    """The team knows no framework, and wants neither to hire nor to learn."""
    if said.get("dilemma.skills.choice") == "neither" and not said.all("experiments.frameworks"):
        yield clash(
            "dilemma.skills.choice",
            "experiments.frameworks",
            why="nobody knows a framework, and nobody is to come or to learn one",
            mend="List what the team knows, or choose hire or educate",
        )


@rule("dilemma.tooling", severity="error")
def tool_against_choice(said: Said) -> Iterator[Clash]:
    """A tool is chosen in a way in which it cannot be had."""
    for place, tool in enumerate(said.all("dilemma.tooling")):
        name = (tool.tool or "").strip().lower()
        if tool.choice == "embedded" and name not in {"", "stackcanvas"}:
            why, mend = "embedded means what stackcanvas brings itself", "Say open source or buy, or name stackcanvas"
        elif tool.choice == "buy" and name == "stackcanvas":
            why, mend = "stackcanvas is not for sale", "Say embedded"
        else:
            continue
        yield clash(f"dilemma.tooling.{place}.choice", f"dilemma.tooling.{place}.tool", why=why, mend=mend)


@rule("dilemma.tooling", severity="warning")
def licences_against_choice(said: Said) -> Iterator[Clash]:
    """A product costs nothing, or what is free costs something."""
    for place, tool in enumerate(said.all("dilemma.tooling")):
        paid = said.get(f"dilemma.tooling.{place}.licences")
        if paid is None or (tool.choice == "buy") == (paid > 0):
            continue
        why = "a product that is bought has a price" if tool.choice == "buy" else f"{tool.choice} has no licence to pay"
        yield clash(
            f"dilemma.tooling.{place}.licences",
            f"dilemma.tooling.{place}.choice",
            why=why,
            mend="Correct the amount or the choice",
        )


@rule("dilemma.platform", "dilemma.tooling", severity="warning")
def one_platform_of_many_tools(said: Said) -> Iterator[Clash]:
    """Everything is to come from one platform, and blocks name other tools."""
    platform = said.get("dilemma.platform.platform")
    if said.get("dilemma.platform.choice") != "one platform" or platform is None:
        return
    for place, tool in enumerate(said.all("dilemma.tooling")):
        # What code is kept and built with stands beside every platform.
        if tool.tool and tool.block != "foundations" and tool.tool.lower() != platform.lower():
            yield clash(
                "dilemma.platform.choice",
                f"dilemma.tooling.{place}.tool",
                why=f"{platform} is to hold everything, and {tool.block} comes from elsewhere",
                mend="Say hybrid, or let the platform do it",
            )
            return
