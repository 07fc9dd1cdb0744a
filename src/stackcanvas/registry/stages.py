"""The four stages of MLflow's registry; older clients move versions between them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stackcanvas.errors import BadInput

NO_STAGE = "None"
STAGES: Mapping[str, str] = MappingProxyType(
    {stage.lower(): stage for stage in (NO_STAGE, "Staging", "Production", "Archived")}
)
ACTIVE = ("Staging", "Production")
ARCHIVED = "Archived"


def stage_named(text: str) -> str:
    """A stage as it is stored, however its letters are written.

    Raises:
        BadInput: there is no such stage.

    Example:
        >>> stage_named("production")
        'Production'
    """
    stage = STAGES.get(text.lower())
    if stage is None:
        known = ", ".join(STAGES.values())
        raise BadInput(f"Invalid Model Version stage: {text}. Value must be one of {known}")
    return stage
