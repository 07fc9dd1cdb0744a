"""Block 4, feature store and workflows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import (
    Amount,
    Answer,
    Block,
    Count,
    Driver,
    Name,
    Need,
    PerEnvironment,
    Size,
    Text,
    distinct_by,
)
from stackcanvas.canvas.urls import ObjectsUrl, OnlineStoreUrl, Url


class Computation(Answer):
    """How the features of one view come about."""

    view: Name = Field(description="The feature view.")
    mode: Literal["batch", "streaming", "on demand"] = Field(
        description="From tables on a schedule, from events as they come, or when a prediction asks."
    )
    refreshes_per_day: Annotated[Amount, Driver("refreshes a day")] = Field(
        default=1.0, description="How often the view is brought up to date."
    )
    on_commit: bool = Field(
        default=False, description="Bring it up to date also as soon as its data set has a new version."
    )


class FeatureInfrastructure(Answer):
    """What computing the features needs."""

    engine: Text = Field(default="polars", description="What computes them.")
    cpus: Annotated[Amount, Driver("cores")] = Field(default=2.0, description="Processor cores of one refresh.")
    memory: Annotated[Size, Driver("of one refresh")] = Field(default=8 * 10**9, description="Memory of one refresh.")
    hours_per_month: Annotated[Amount, Driver("hours a month")] = Field(
        default=10.0, description="How long it computes."
    )


class Databases(Answer):
    """Where feature values are kept."""

    offline: Annotated[ObjectsUrl | None, PerEnvironment()] = Field(
        default=None,
        description="Their history, for training; left out, it lies with the data versions in data.storage.objects.",
    )
    online: Annotated[OnlineStoreUrl, PerEnvironment()] = Field(
        default=Url("sqlite:///.stackcanvas/online/features.db", role="online store"),
        description="Their newest values, for predictions.",
    )
    missing: Literal["empty", "reject", "fallback"] = Field(
        default="empty",
        description="What happens to a prediction whose features are looked up and not there, or too old: the model "
        "gets no value, the request is refused, or the fallback answers.",
    )
    online_size: Annotated[Size, Driver("kept")] = Field(default=10**8, description="How much is kept online.")
    reads_per_second: Annotated[Count, Driver("reads a second, at the peak")] = Field(
        default=10, description="How often the newest values are asked for."
    )


class Features(Block):
    """The answers of block 4."""

    needed: Need | None = None
    computation: Annotated[tuple[Computation, ...], AfterValidator(distinct_by("view"))] | None = None
    infrastructure: FeatureInfrastructure | None = None
    buy_or_make: Literal["buy", "open source", "make"] | None = None
    databases: Databases | None = None
    apis: bool | None = None
