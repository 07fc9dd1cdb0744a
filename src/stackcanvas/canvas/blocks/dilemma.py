"""The three dilemmas: what no block decides alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import Amount, Answer, Block, Count, Driver, Money, Text, distinct, distinct_by

BlockName = Literal[
    "value",
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
]


class Weighing(Answer):
    """What was weighed before the choice."""

    risks: Text | None = Field(default=None, description="What may go wrong.")
    trade_offs: Text | None = Field(default=None, description="What is given up for it.")
    impact: Text | None = Field(default=None, description="What changes for the team.")


class Tooling(Weighing):
    """Buy, take open source or build, for one block."""

    block: BlockName = Field(description="The block that the tool serves.")
    choice: Literal["buy", "open source", "build", "embedded"] = Field(
        description="A product, an open source tool, own code, or what stackcanvas brings."
    )
    tool: Text | None = Field(default=None, description="The tool that was chosen.")
    licences: Annotated[Money, Driver("a month")] = Field(
        default=Decimal(0), description="What licences and seats cost."
    )
    upkeep: Annotated[Amount, Driver("hours a month")] = Field(
        default=4.0, description="Hours that people spend on keeping it alive."
    )


class Platform(Weighing):
    """One platform for everything, or several that are joined."""

    choice: Literal["one platform", "hybrid"] = Field(description="One platform, or the best of several.")
    platform: Text | None = Field(default=None, description="Its name.")
    hosting: Annotated[tuple[Literal["embedded", "server", "kubernetes", "saas"], ...], AfterValidator(distinct)] = (
        Field(default=(), description="Where tools may run; left out, it follows from pipelines.location.")
    )
    licences: Literal["open source", "source available", "any"] | None = Field(
        default=None, description="The strictest kind of licence that tools may have."
    )
    have: Annotated[tuple[Text, ...], AfterValidator(distinct)] = Field(
        default=(), description="Services that run already, such as kubernetes, postgres, redis or kafka."
    )


class Skills(Weighing):
    """Hire people who can, or educate those who are there."""

    choice: Literal["hire", "educate", "both", "neither"] = Field(description="Where the missing skills come from.")
    hires: Annotated[Count, Driver("people")] = Field(default=0, description="People to hire.")
    salary: Annotated[Money, Driver("a person and year, all costs included")] = Field(
        default=Decimal(120_000), description="What one person costs."
    )
    training_days: Annotated[Count, Driver("days")] = Field(
        default=0, description="Days of training, all people together."
    )
    price_per_day: Annotated[Money, Driver("a day")] = Field(
        default=Decimal(800), description="What a day of training costs, lost work included."
    )


class Dilemma(Block):
    """The answers beside the blocks."""

    tooling: Annotated[tuple[Tooling, ...], AfterValidator(distinct_by("block"))] | None = None
    platform: Platform | None = None
    skills: Skills | None = None
