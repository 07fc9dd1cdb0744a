"""Block 2, data sources and data versioning."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import (
    Answer,
    Block,
    Count,
    Driver,
    Money,
    Name,
    Need,
    PerEnvironment,
    Positive,
    Size,
    Text,
    distinct,
    distinct_by,
)
from stackcanvas.canvas.blocks.expectations import Expectations
from stackcanvas.canvas.urls import LakeUrl, ObjectsUrl, SourceUrl, Url, WarehouseUrl


class Source(Answer):
    """One source of data."""

    name: Name = Field(description="The name of the data set that it feeds.")
    kind: Literal["table", "files", "images", "text", "audio", "video", "stream", "database", "api"] = Field(
        default="table", description="What it holds or how it comes."
    )
    ownership: Literal["owned", "public", "earned", "paid"] = Field(description="By what right the team has it.")
    url: SourceUrl | None = Field(default=None, description="Where it is read from.")
    query: Text | None = Field(
        default=None, description="For a database: which rows, as a SELECT statement or the name of a table."
    )
    format: Text | None = Field(default=None, description="How it is written, such as csv, parquet or json.")
    licence: Text | None = Field(default=None, description="Under which terms it may be used.")
    personal: bool = Field(default=False, description="Whether it tells something about a person.")
    size: Annotated[Size, Driver("stored once")] = Field(default=10**9, description="How large it is now.")
    growth: Annotated[Size, Driver("a month")] = Field(default=0, description="How much comes each month.")
    price: Annotated[Money, Driver("a month")] = Field(default=Decimal(0), description="What it costs each month.")
    expectations: Expectations | None = Field(default=None, description="What its tables must be like.")


class Storage(Answer):
    """Where the data live."""

    lake: Annotated[LakeUrl | None, PerEnvironment()] = Field(default=None, description="Files as they came.")
    warehouse: Annotated[WarehouseUrl | None, PerEnvironment()] = Field(
        default=None, description="Tables for analysis."
    )
    objects: Annotated[ObjectsUrl, PerEnvironment()] = Field(
        default=Url(".stackcanvas/objects", role="objects"), description="The stack's own store of versions and files."
    )
    remote: Annotated[ObjectsUrl | None, PerEnvironment()] = Field(
        default=None, description="Where versions are pushed to and pulled from by others."
    )


class Labelling(Answer):
    """Labels that people give."""

    needed: bool = Field(description="Whether people must label items.")
    backlog: Annotated[Count, Driver("items, once")] = Field(default=0, description="Items to label at the start.")
    items_per_month: Annotated[Count, Driver("items a month")] = Field(default=0, description="New items to label.")
    labels_per_item: Annotated[Positive, Driver("labels an item")] = Field(
        default=1, description="How many people label the same item."
    )
    price_per_label: Annotated[Money, Driver("a label")] = Field(
        default=Decimal("0.05"), description="What one label costs."
    )
    people: Annotated[Count, Driver("people")] = Field(default=0, description="Own people who label.")


class VersionMethod(Answer):
    """How the data of a trained model are kept."""

    level: Literal[0, 1, 2, 3] = Field(
        description="0 not at all, 1 a snapshot for each training, 2 data and code as one asset, 3 a versioning system."
    )
    versions_kept: Annotated[Positive, Driver("versions")] = Field(
        default=12, description="How many versions stay readable."
    )


class Data(Block):
    """The answers of block 2."""

    versioning: Need | None = None
    sources: Annotated[tuple[Source, ...], AfterValidator(distinct_by("name"))] | None = None
    storage: Storage | None = None
    labelling: Labelling | None = None
    version_method: VersionMethod | None = None
    pipeline_tools: Annotated[tuple[Text, ...], AfterValidator(distinct)] | None = None
