"""Registered models over REST."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items

router = APIRouter(prefix="/models", tags=["registry"])


class AliasBody(BaseModel):
    """Which version an alias is to name."""

    version: str = Field(description="A number, vX.Y.Z or another alias.")


@router.get("")
def models(stack: StackOf) -> Response:
    """Every model, by name."""
    return answer_items(stack.registry.ls())


@router.get("/{name:path}/versions")
def versions(stack: StackOf, name: str) -> Response:
    """The versions of a model, newest first."""
    return answer_items(stack.registry.versions(name))


@router.get("/{name:path}/versions/{selector}")
def version(stack: StackOf, name: str, selector: str) -> Response:
    """One version, by number, vX.Y.Z, alias or `latest`."""
    return answer(stack.registry.get(Ref("model", name, selector)))


@router.get("/{name:path}/versions/{selector}/files/{file}")
def file(stack: StackOf, name: str, selector: str, file: str) -> Response:
    """A file of a version, as bytes."""
    return Response(stack.registry.file(Ref("model", name, selector), file), media_type="application/octet-stream")


@router.get("/{name:path}/versions/{selector}/verify")
def verify(stack: StackOf, name: str, selector: str) -> Response:
    """Whether the stored files of a version are what was registered."""
    return answer(stack.registry.verify(Ref("model", name, selector))[0])


@router.put("/{name:path}/aliases/{alias}")
def alias(stack: StackOf, name: str, alias: str, body: AliasBody) -> Response:
    """Let an alias name a version, whatever it named before."""
    return answer(stack.registry.alias(Ref("model", name, body.version), alias))


@router.delete("/{name:path}/aliases/{alias}")
def unalias(stack: StackOf, name: str, alias: str) -> Response:
    """Take an alias away."""
    stack.registry.unalias(name, alias)
    return answer({"name": name, "alias": alias})
