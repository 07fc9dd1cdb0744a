"""Feature views and the online store over REST."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from stackcanvas.rest.answers import StackOf, answer, answer_items

router = APIRouter(prefix="/features", tags=["features"])


class OnlineBody(BaseModel):
    """Which features of which keys."""

    features: list[str] = Field(min_length=1, description="As `view:feature`, or `view:*` for all of a view.")
    keys: list[dict[str, Any]] = Field(max_length=10_000, description="One object of key columns for each row.")


class MaterializeBody(BaseModel):
    """What to bring online."""

    views: list[str] | None = Field(default=None, description="All when left out.")
    until: AwareDatetime | None = Field(default=None, description="Rows known by then; now when left out.")


@router.get("")
def views(stack: StackOf) -> Response:
    """The views, and how far each has come online."""
    return answer_items(stack.features.status())


@router.get("/{view:path}")
def view(stack: StackOf, view: str) -> Response:
    """The definition of a view."""
    found = stack.features.get(view)
    return answer({"ref": found.ref, **found.definition})


@router.post("/online")
def online(stack: StackOf, body: OnlineBody) -> Response:
    """Features as they count now, one object for each row of keys; null where nothing is known or it is too old."""
    return answer_items(stack.features.online(body.features, body.keys))


@router.post("/materialize")
def materialize(stack: StackOf, body: MaterializeBody) -> Response:
    """Bring the online store up to date."""
    return answer_items(stack.features.materialize(body.views, until=body.until))
