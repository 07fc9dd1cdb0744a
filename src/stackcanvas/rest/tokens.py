"""Tokens over REST, for administrators."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/tokens", "tokens")


class NewToken(BaseModel):
    """What a token is to be."""

    name: str = Field(description="Of the person or program.")
    role: Literal["reader", "writer", "approver", "admin"] = "writer"
    days: Annotated[int, Field(ge=1, le=36500)] | None = Field(default=None, description="How long it counts.")


@router.get("")
def ls(stack: StackOf) -> Response:
    """All tokens by name, without their texts."""
    return answer_items(stack.tokens.ls())


@router.post("", status_code=201)
def add(stack: StackOf, new: NewToken) -> Response:
    """Make a token; its text is told this once."""
    lasts = None if new.days is None else timedelta(days=new.days)
    text = stack.tokens.add(new.name, role=new.role, lasts=lasts)
    return answer({"name": new.name, "role": new.role, "token": text}, status=201)


@router.delete("/{name}")
def revoke(stack: StackOf, name: str) -> Response:
    """Make a token count no more."""
    return answer(stack.tokens.revoke(name))
