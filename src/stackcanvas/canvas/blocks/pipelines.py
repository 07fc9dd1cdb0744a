"""Block 6, CI/CT/CD: orchestration of pipelines."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from stackcanvas.canvas.answers import (
    Amount,
    Answer,
    Block,
    Count,
    Cron,
    Driver,
    Duration,
    Event,
    Name,
    PerEnvironment,
    Text,
    bad,
    distinct,
)
from stackcanvas.canvas.urls import ExecutorUrl, Url
from stackcanvas.errors import nearest


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = nearest(name, available_timezones())
        raise bad(
            f"{name[:40]!r} is not a time zone",
            expected="a name such as UTC or Europe/Berlin",
            fix=f"Perhaps you meant {near}" if near else None,
        ) from None
    return name


class Trigger(Answer):
    """What starts a pipeline: a schedule or an event; with neither, people only."""

    pipeline: Name = Field(description="The pipeline that starts.")
    cron: Cron | None = Field(default=None, description="A schedule.")
    timezone: Annotated[str, AfterValidator(_zone), Field(max_length=100)] = Field(
        default="UTC", description="The time zone of the schedule."
    )
    on: Event | None = Field(default=None, description="An event, and the subject that it must happen to.")
    runs_per_month: Annotated[Amount, Driver("runs a month")] = Field(
        default=1.0, description="How often this is expected."
    )
    time_per_run: Annotated[Duration, Driver("a run")] = Field(
        default=dt.timedelta(hours=1), description="How long one run takes."
    )

    @model_validator(mode="after")
    def _one_reason(self) -> Trigger:
        if self.cron is not None and self.on is not None:
            raise bad("a trigger has both cron and on", expected="two entries, one with cron and one with on")
        if self.cron is None and "timezone" in self.model_fields_set:
            raise bad("a time zone is given without cron", expected="cron and timezone, or neither")
        return self


def _place(text: str) -> str:
    if text not in {"local", "own server", "cloud"} and not (text.startswith("cloud ") and text[6:].strip()):
        raise bad(f"{text[:40]!r} is not a place", expected="local, own server or cloud PROVIDER, such as cloud aws")
    return text


class Location(Answer):
    """Where pipelines run."""

    where: Annotated[str, AfterValidator(_place), Field(max_length=100)] = Field(
        default="local", description="local, own server, or cloud and its provider."
    )
    executor: Annotated[ExecutorUrl, PerEnvironment()] = Field(
        default=Url("processes:", role="executor"), description="What runs the steps."
    )


class Workflow(Answer):
    """The formal workflow and its technology."""

    steps: tuple[Text, ...] = Field(min_length=1, description="The steps, in order.")
    technology: Text = Field(default="stackcanvas", description="What orchestrates them.")


class DistributedTraining(Answer):
    """Training on several machines."""

    needed: bool = Field(description="Whether one machine is not enough.")
    engine: Literal["ray", "spark", "dask", "horovod", "pytorch", "other", "none"] = Field(
        default="none", description="What distributes the work."
    )
    workers: Annotated[Count, Driver("machines")] = Field(default=0, description="How many machines train together.")


class ContinuousIntegration(Answer):
    """How a change of a pipeline is tested."""

    tools: Annotated[tuple[Text, ...], AfterValidator(distinct)] = Field(description="What runs the checks.")
    workflow: Text | None = Field(default=None, description="The workflow file, relative to the canvas.")


class Requirement(Answer):
    """A requirement on the model beyond its quality, and how it is tested."""

    requirement: Literal[
        "correctness",
        "relevance",
        "robustness",
        "security",
        "privacy",
        "efficiency",
        "fairness",
        "interpretability",
        "other",
    ] = Field(description="What is required.")
    measure: Name = Field(description="The figure that tells, as the check logs it.")
    at_least: float | None = Field(default=None, description="The smallest value that passes.")
    at_most: float | None = Field(default=None, description="The largest value that passes.")
    slice: Text | None = Field(default=None, description="The column whose groups are judged one by one.")
    gate: Literal["block", "warn"] = Field(default="block", description="What a failed check does to the registration.")
    tested_in: tuple[Literal["ci", "training", "serving"], ...] = Field(
        default=("training",), min_length=1, description="Where the check runs."
    )

    @model_validator(mode="after")
    def _has_a_bound(self) -> Requirement:
        if self.at_least is None and self.at_most is None:
            raise bad("the requirement has no bound", expected="at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise bad("at_least is greater than at_most", expected="a range that some value can lie in")
        return self


class Pipelines(Block):
    """The answers of block 6."""

    retraining: tuple[Trigger, ...] | None = None
    location: Annotated[Location | None, PerEnvironment()] = None
    workflow: Workflow | None = None
    distributed_training: DistributedTraining | None = None
    ci: ContinuousIntegration | None = None
    non_functional: tuple[Requirement, ...] | None = None
