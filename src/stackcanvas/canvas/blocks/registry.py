"""Block 7, model registry and model versioning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stackcanvas.canvas.answers import Answer, Block, Driver, Need, PerEnvironment, Positive, Size
from stackcanvas.canvas.urls import ObjectsUrl


class ModelStorage(Answer):
    """Where registered models are kept."""

    url: Annotated[ObjectsUrl | None, PerEnvironment()] = Field(
        default=None, description="The store; left out, models lie in data.storage.objects."
    )
    versions_kept: Annotated[Positive, Driver("versions")] = Field(
        default=20, description="How many versions are kept."
    )
    version_size: Annotated[Size, Driver("a version")] = Field(
        default=50 * 10**6, description="How large one version is."
    )


class Registry(Block):
    """The answers of block 7."""

    needed: Need | None = None
    storage: ModelStorage | None = None
    versioning: Literal["semantic", "integer"] | None = None
    allow_python_models: Annotated[bool | None, PerEnvironment()] = None
