"""Block 5, foundations, reflecting DevOps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stackcanvas.canvas.answers import Answer, Block, Count, Driver, Positive, Text, distinct
from stackcanvas.canvas.urls import RepositoryUrl


class VersionControl(Answer):
    """How code is kept."""

    tool: Literal["git", "mercurial", "subversion", "other", "none"] = Field(description="The version control system.")
    url: RepositoryUrl | None = Field(default=None, description="The repository that the team shares.")
    branch: Text = Field(default="main", description="The branch that all work returns to.")
    developers: Annotated[Positive, Driver("people")] = Field(default=1, description="Who commits.")


class CodeDelivery(Answer):
    """How a change of the code base is tested and delivered."""

    tools: Annotated[tuple[Text, ...], AfterValidator(distinct)] = Field(description="What builds, tests and deploys.")
    minutes_per_month: Annotated[Count, Driver("minutes a month")] = Field(
        default=2000, description="How long the machines of CI run."
    )


class Foundations(Block):
    """The answers of block 5."""

    version_control: VersionControl | None = None
    performance_monitoring: Annotated[tuple[Text, ...], AfterValidator(distinct)] | None = None
    notebooks: bool | None = None
    trunk_based: bool | None = None
    ci_cd: CodeDelivery | None = None
    delivery_metrics: bool | None = None
