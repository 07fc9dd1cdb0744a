"""Block 8, model deployment: formats, targets, who decides what goes live, and how traffic moves to it."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import (
    Answer,
    Block,
    Count,
    Driver,
    Duration,
    Name,
    PerEnvironment,
    Positive,
    Share,
    bad,
)
from stackcanvas.canvas.urls import WebUrl


class Target(Answer):
    """Where predictions are served."""

    where: Literal["local", "server", "kubernetes", "edge"] = Field(default="local", description="The kind of place.")
    url: Annotated[WebUrl | None, PerEnvironment()] = Field(default=None, description="Where clients reach it.")
    environments: Annotated[Positive, Driver("environments")] = Field(
        default=1, description="How many copies of the stack run, such as test and production."
    )


class ByMetrics(Answer):
    """A version goes live when its figures say so."""

    by: Literal["metrics"] = Field(description="Decided by figures.")
    metric: Name = Field(description="The figure that is compared, one of experiments.metrics.")
    margin: float = Field(
        default=0.0, description="By how much the new version must be better; negative lets it be worse."
    )
    confidence: Share = Field(default=0.95, description="How sure the comparison must be.")
    automatic: bool = Field(default=True, description="Whether a version that passes goes live without a person.")


class ByAbTest(Answer):
    """Two versions answer real requests until one has proved better."""

    by: Literal["a/b test"] = Field(description="Decided by an experiment on users.")
    metric: Name = Field(description="The figure that decides.")
    sticky: Name | None = Field(default=None, description="The column that keeps a user on one version.")
    share: Share = Field(default=0.5, description="The share of traffic of the new version.")
    confidence: Share = Field(default=0.95, description="How sure the test must be.")
    at_most: Duration = Field(default=dt.timedelta(days=28), description="When the test ends undecided.")


class ByBandit(Answer):
    """Traffic flows to whichever version earns more."""

    by: Literal["bandit"] = Field(description="Decided by reward, all the time.")
    reward: Name = Field(default="payoff", description="The figure that is earned; payoff is value.payoff.")
    sticky: Name | None = Field(default=None, description="The column that keeps a user on one version.")
    floor: Share = Field(default=0.01, description="The share that every version keeps.")


class ByHand(Answer):
    """People decide."""

    by: Literal["hand"] = Field(description="Decided by a person.")
    approvers: Positive = Field(default=1, description="How many must agree.")


ReleasePolicy = Annotated[ByMetrics | ByAbTest | ByBandit | ByHand, Field(discriminator="by")]


class Analysis(Answer):
    """What a release in progress must show; a breach rolls it back."""

    min_predictions: Count = Field(default=100, description="With fewer predictions nothing is judged.")
    max_error_rate: Share = Field(default=0.01, description="Failed predictions among all.")
    max_p99: Duration | None = Field(default=None, description="The latency that 99 of 100 requests stay under.")
    max_fallback_rate: Share | None = Field(default=None, description="Predictions answered by the fallback among all.")


class Recreate(Answer):
    """The old version stops, the new one starts."""

    kind: Literal["recreate"] = Field(description="All traffic at once.")


class BlueGreen(Answer):
    """The new version stands ready beside the old one, then all traffic switches."""

    kind: Literal["blue-green"] = Field(description="All traffic at once, the old version kept ready.")
    keep: Duration = Field(
        default=dt.timedelta(hours=1), description="How long the old version stays ready for a roll back."
    )
    analysis: Analysis = Field(
        default_factory=Analysis.model_construct, description="What must hold while the old one is kept."
    )


def _rising(steps: tuple[float, ...]) -> tuple[float, ...]:
    if any(later <= earlier for earlier, later in pairwise(steps)) or steps[0] <= 0:
        raise bad("the steps do not rise", expected="rising percentages such as [10%, 50%, 100%]")
    if steps[-1] != 1.0:
        raise bad("the last step is not 100%", expected="rising percentages that end at 100%")
    return steps


class Canary(Answer):
    """The new version gets more and more of the traffic."""

    kind: Literal["canary"] = Field(description="Traffic in steps.")
    steps: Annotated[tuple[Share, ...], Field(min_length=1), AfterValidator(_rising)] = Field(
        default=(0.1, 0.5, 1.0), description="The shares of traffic, one after the other."
    )
    every: Duration = Field(default=dt.timedelta(minutes=30), description="How long each step lasts.")
    analysis: Analysis = Field(
        default_factory=Analysis.model_construct, description="What must hold before the next step."
    )


class Shadow(Answer):
    """The new version sees all requests, and nobody sees its answers."""

    kind: Literal["shadow"] = Field(description="Copied traffic, unseen answers.")
    sample: Share = Field(default=1.0, description="The share of requests that is copied.")
    lasts: Duration = Field(
        default=dt.timedelta(days=1), description="How long it watches before it takes over or leaves."
    )
    then: Literal["live", "stop"] = Field(default="stop", description="What follows when all went well.")
    analysis: Analysis = Field(default_factory=Analysis.model_construct, description="What must hold.")


Strategy = Annotated[Recreate | BlueGreen | Canary | Shadow, Field(discriminator="kind")]


class Deployment(Block):
    """The answers of block 8."""

    format: Literal["onnx", "native", "package", "container"] | None = None
    lead_time: Duration | None = None
    target: Target | None = None
    release_policy: Annotated[ReleasePolicy | None, PerEnvironment()] = None
    strategy: Annotated[Strategy | None, PerEnvironment()] = None
