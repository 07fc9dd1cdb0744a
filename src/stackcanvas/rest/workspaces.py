"""Workspaces over REST, for administrators of the project."""

from __future__ import annotations

from fastapi import Response
from pydantic import BaseModel, Field

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/workspaces", "workspaces")


class NewWorkspace(BaseModel):
    """What a workspace is to be."""

    name: str = Field(description="As in /w/NAME.")


@router.get("")
def ls(stack: StackOf) -> Response:
    """All workspaces of the project by name."""
    return answer_items(stack.workspaces.ls())


@router.post("", status_code=201)
def add(stack: StackOf, new: NewWorkspace) -> Response:
    """Make a workspace; it is empty."""
    return answer(stack.workspaces.add(new.name), status=201)


@router.delete("/{name}")
def rm(stack: StackOf, name: str) -> Response:
    """Remove a workspace with everything in it."""
    return answer(stack.workspaces.rm(name))
