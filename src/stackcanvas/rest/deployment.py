"""Endpoints and releases over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of
from stackcanvas.stack.releasing import begin

router = router_of("/deployments", "deployment")

Limit = Annotated[int, Query(ge=1, le=1000)]


class ReleaseBody(BaseModel):
    """Which version is to go where, and how."""

    model: str = Field(description="A ref of the version in any form, such as delay@champion.")
    strategy: str | None = Field(default=None, description="The kind of strategy; the canvas decides when left out.")
    reason: str = Field(default="", description="Why, for the record.")


class RollbackBody(BaseModel):
    """Why an endpoint goes back."""

    reason: str = Field(default="by hand", description="Why, for the record.")


@router.get("")
def deployments(stack: StackOf) -> Response:
    """Every endpoint: what answers there, and what is on its way."""
    return answer_items(stack.deployment.ls())


@router.get("/{endpoint}")
def deployment(stack: StackOf, endpoint: str) -> Response:
    """One endpoint."""
    return answer(stack.deployment.status(endpoint))


@router.get("/{endpoint}/releases")
def releases(stack: StackOf, endpoint: str, limit: Limit = 100) -> Response:
    """The releases of an endpoint, newest first."""
    return answer_items(stack.deployment.history(endpoint, limit=limit))


@router.post("/{endpoint}/releases", status_code=201)
def release(stack: StackOf, endpoint: str, body: ReleaseBody) -> Response:
    """Begin to bring a model version to an endpoint."""
    begun = begin(stack, body.model, endpoint=endpoint, strategy=body.strategy, reason=body.reason)
    return answer(begun, status=201)


@router.post("/{endpoint}/rollback")
def rollback(stack: StackOf, endpoint: str, body: RollbackBody) -> Response:
    """Go back: out of a release on its way, or from the live version to the one before it."""
    return answer(stack.deployment.rollback(endpoint, reason=body.reason))
