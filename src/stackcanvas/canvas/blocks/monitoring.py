"""Block 10, monitoring of model, data and system: what is watched, what counts as broken, who hears of it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from stackcanvas.canvas.answers import (
    Answer,
    Block,
    Count,
    Cron,
    Duration,
    Event,
    Name,
    Need,
    PerEnvironment,
    Share,
    bad,
    distinct,
    distinct_by,
)
from stackcanvas.canvas.urls import ChannelUrl, WebUrl

Operation = Literal["latency", "throughput", "errors", "fallbacks", "cpu", "memory", "disk", "queue"]


class Decay(Answer):
    """When the model has become worse."""

    metric: Name = Field(description="The figure that is watched, once labels have come.")
    at_least: float | None = Field(default=None, description="Below this value the model has decayed.")
    at_most: float | None = Field(default=None, description="Above this value the model has decayed.")
    worse_by: float | None = Field(
        default=None, gt=0, description="The model has decayed when it is so much worse than at its registration."
    )
    window: Duration = Field(default=dt.timedelta(days=7), description="The time over which the figure is computed.")
    min_labels: Count = Field(default=500, description="With fewer labels nothing is judged.")
    estimate: bool = Field(default=False, description="Whether the figure is estimated before labels come.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> Decay:
        if self.at_least is None and self.at_most is None and self.worse_by is None:
            raise bad("nothing says when the model has decayed", expected="at_least, at_most or worse_by")
        return self


class Skew(Answer):
    """When the data have moved away from what the model was trained on."""

    method: Literal["jensen-shannon"] = Field(
        default="jensen-shannon",
        description="The distance between training data and traffic, beside a test against chance.",
    )
    bound: float = Field(default=0.05, gt=0, le=1, description="The distance from which a column has drifted.")
    share: Share = Field(default=0.2, description="The share of drifted columns from which the data have drifted.")
    window: Duration = Field(default=dt.timedelta(days=7), description="The traffic that is compared.")
    min_rows: Count = Field(default=500, description="With fewer rows nothing is judged.")
    columns: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(distinct)] | None = Field(
        default=None, description="Which columns are judged; left out, all."
    )


class Channel(Answer):
    """A way to reach people."""

    name: Name = Field(description="What rules call it.")
    url: Annotated[ChannelUrl, PerEnvironment()] = Field(
        description="log: for the stack's own log, a web hook, or mailto: an address."
    )


class Rule(Answer):
    """When somebody is to hear of it."""

    name: Name = Field(description="The name of the alert.")
    metric: Name = Field(description="A figure of the model, of the data (drift), or of operations.")
    above: float | None = Field(default=None, description="Fires above this value.")
    below: float | None = Field(default=None, description="Fires below this value.")
    lasting: Duration = Field(default=dt.timedelta(0), description="For how long it must hold before it fires.")
    severity: Literal["info", "warning", "critical"] = Field(default="warning", description="How bad it is.")
    channels: Annotated[tuple[Name, ...], AfterValidator(distinct)] = Field(
        default=(), description="Who hears of it; left out, every channel."
    )

    @model_validator(mode="after")
    def _one_bound(self) -> Rule:
        if (self.above is None) == (self.below is None):
            raise bad("an alert has not exactly one bound", expected="above or below")
        return self


class DeadMan(Answer):
    """An address that hears of the stack as long as it is well; whoever keeps it raises the alarm when that stops."""

    url: Annotated[WebUrl, PerEnvironment()] = Field(
        description="What the worker asks while it and its work are well; may hold ${NAME}."
    )
    every: Duration = Field(default=dt.timedelta(minutes=1), description="How often it is asked.")


class Alerting(Answer):
    """Thresholds and channels."""

    channels: Annotated[tuple[Channel, ...], AfterValidator(distinct_by("name"))] = Field(
        default=(), description="The ways to reach people."
    )
    rules: Annotated[tuple[Rule, ...], AfterValidator(distinct_by("name"))] = Field(
        default=(), description="The alerts."
    )
    dead_man: DeadMan | None = Field(
        default=None, description="What hears that the stack is well, and raises the alarm when it no longer hears it."
    )

    @model_validator(mode="after")
    def _known_channels(self) -> Alerting:
        known = {channel.name for channel in self.channels}
        for rule in self.rules:
            missing = [name for name in rule.channels if name not in known]
            if missing:
                raise bad(
                    f"the alert {rule.name!r} names the channel {missing[0]!r}, which is not listed",
                    expected=f"one of {', '.join(sorted(known))}" if known else "a channel under channels",
                )
        return self


class RetrainingTrigger(Answer):
    """Points to an entry of pipelines.retraining, or narrows one to a subject."""

    pipeline: Name = Field(description="The pipeline of the entry.")
    cron: Cron | None = Field(default=None, description="Its schedule.")
    on: Event | None = Field(default=None, description="Its event; may name a subject where the entry names none.")

    @model_validator(mode="after")
    def _one_reason(self) -> RetrainingTrigger:
        if self.cron is not None and self.on is not None:
            raise bad("a trigger has both cron and on", expected="two entries, one with cron and one with on")
        return self


class Monitoring(Block):
    """The answers of block 10."""

    needed: Need | None = None
    ml_metrics: Annotated[tuple[Name, ...], AfterValidator(distinct)] | None = None
    domain_metrics: Annotated[tuple[Name, ...], AfterValidator(distinct)] | None = None
    decay: Decay | None = None
    skew: Skew | None = None
    operations: Annotated[tuple[Operation, ...], AfterValidator(distinct)] | None = None
    alerting: Annotated[Alerting | None, PerEnvironment()] = None
    retraining_trigger: tuple[RetrainingTrigger, ...] | None = None
