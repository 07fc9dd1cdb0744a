"""Block 11, metadata store."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import (
    Answer,
    Block,
    Count,
    Driver,
    Duration,
    PerEnvironment,
    Positive,
    Text,
    distinct,
    distinct_by,
)
from stackcanvas.canvas.urls import DatabaseUrl, Url

Collected = Literal[
    "run id",
    "trigger",
    "actor",
    "steps",
    "start and end",
    "code",
    "data",
    "split",
    "hyperparameters",
    "environment",
    "model",
    "metrics",
    "statistics",
    "predictions",
]
Operational = Literal["deployment frequency", "lead time", "time to restore", "change failure rate"]
RoleName = Literal["reader", "writer", "approver", "admin"]


class Store(Answer):
    """The database of the stack itself."""

    url: Annotated[DatabaseUrl, PerEnvironment()] = Field(
        default=Url("sqlite:///.stackcanvas/metadata.db", role="database"), description="The database."
    )
    executions_per_month: Annotated[Count, Driver("executions a month")] = Field(
        default=2000, description="How many runs, steps and releases are recorded."
    )


class Approval(Answer):
    """What needs a person's consent."""

    action: Literal["register", "deploy", "delete"] = Field(description="What may not happen without it.")
    role: RoleName = Field(default="approver", description="Who may consent.")
    minimum: Positive = Field(default=1, description="How many must.")


class Member(Answer):
    """What a group of people may do."""

    role: RoleName = Field(description="What they may do.")
    people: tuple[Text, ...] = Field(description="Who they are: names, groups or e-mail addresses.")


class Retention(Answer):
    """How long records are kept; left out, for ever."""

    runs: Duration | None = Field(default=None, description="Runs and their metrics.")
    deleted: Duration | None = Field(default=None, description="Deleted runs, which can be restored until then.")
    cache: Duration | None = Field(default=None, description="Kept results of steps, from their last use on.")
    data: Duration | None = Field(default=None, description="Data versions that no registered model needs.")
    audit: Duration | None = Field(default=None, description="The audit log.")


class Governance(Answer):
    """The processes that hold the team to account."""

    regulation: Text | None = Field(default=None, description="Laws and standards that apply.")
    approvals: Annotated[tuple[Approval, ...], AfterValidator(distinct_by("action"))] = Field(
        default=(), description="What needs consent."
    )
    roles: Annotated[tuple[Member, ...], AfterValidator(distinct_by("role"))] = Field(
        default=(), description="Who may do what."
    )
    retention: Retention = Field(default_factory=Retention.model_construct, description="How long records are kept.")


class Documentation(Answer):
    """Documents that are kept like code."""

    as_code: bool = Field(description="Whether they lie in git and are made from the records.")
    templates: Annotated[
        tuple[Literal["data sheet", "model card", "decision record", "canvas"], ...], AfterValidator(distinct)
    ] = Field(default=(), description="Which documents.")
    folder: Text = Field(default="docs", description="Where they are written, beside the canvas.")


class Metadata(Block):
    """The answers of block 11."""

    store: Store | None = None
    collected: Annotated[tuple[Collected, ...], AfterValidator(distinct)] | None = None
    governance: Annotated[Governance | None, PerEnvironment()] = None
    documentation: Documentation | None = None
    operational: Annotated[tuple[Operational, ...], AfterValidator(distinct)] | None = None
