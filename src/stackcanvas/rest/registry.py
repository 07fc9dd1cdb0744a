"""Registered models over REST."""

from __future__ import annotations

from typing import Literal

from fastapi import Response
from pydantic import BaseModel, Field

from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items, gives
from stackcanvas.rest.routers import router_of
from stackcanvas.stack.carding import model_card

router = router_of("/models", "registry")


class AliasBody(BaseModel):
    """Which version an alias is to name."""

    version: str = Field(description="A number, vX.Y.Z or another alias.")


class ModelBody(BaseModel):
    """A new name."""

    name: str = Field(description="The name of the model.", min_length=1)
    description: str = Field(default="", description="What it is.")
    tags: dict[str, str] = Field(default_factory=dict, description="Key and value of each tag.")


class TextBody(BaseModel):
    """What something is, in words."""

    text: str = Field(description="The description.")


class TagBody(BaseModel):
    """The value of a tag."""

    value: str = Field(description="The value.")


class ConsentBody(BaseModel):
    """To what somebody agrees."""

    action: Literal["register", "deploy", "delete", "python"] = Field(description="What may be done.")
    note: str = Field(default="", description="Why.")


class NameBody(BaseModel):
    """Another name."""

    name: str = Field(description="The new name.", min_length=1)


@router.get("")
def models(stack: StackOf) -> Response:
    """Every model, by name."""
    return answer_items(stack.registry.ls())


@router.post("", status_code=201)
def create(stack: StackOf, body: ModelBody) -> Response:
    """Register a name, before there is any version."""
    made = stack.registry.changes.create(body.name, description=body.description, tags=body.tags)
    return answer(made, status=201)


@router.get("/{name:path}/versions")
def versions(stack: StackOf, name: str) -> Response:
    """The versions of a model, newest first."""
    return answer_items(stack.registry.versions(name))


@router.get("/{name:path}/versions/{selector}")
def version(stack: StackOf, name: str, selector: str) -> Response:
    """One version, by number, vX.Y.Z, alias or `latest`."""
    return answer(stack.registry.get(Ref("model", name, selector)))


@router.get("/{name:path}/versions/{selector}/files/{file}", **gives("application/octet-stream"))
def file(stack: StackOf, name: str, selector: str, file: str) -> Response:
    """A file of a version, as bytes."""
    return Response(stack.registry.file(Ref("model", name, selector), file), media_type="application/octet-stream")


@router.get("/{name:path}/versions/{selector}/verify")
def verify(stack: StackOf, name: str, selector: str) -> Response:
    """Whether the stored files of a version are what was registered."""
    return answer(stack.registry.verify(Ref("model", name, selector))[0])


@router.get("/{name:path}/versions/{selector}/card", **gives("text/markdown"))
def card(stack: StackOf, name: str, selector: str) -> Response:
    """The card of a version, as Markdown."""
    made = model_card(stack, str(Ref("model", name, selector)))
    return Response(made.markdown(), media_type="text/markdown; charset=utf-8")


@router.get("/{name:path}/versions/{selector}/bom")
def bom(stack: StackOf, name: str, selector: str) -> Response:
    """The bill of materials of a version, as CycloneDX JSON."""
    return Response(stack.registry.bill(Ref("model", name, selector)), media_type="application/json")


@router.get("/{name:path}/versions/{selector}/consents")
def consents(stack: StackOf, name: str, selector: str) -> Response:
    """Who agreed to what."""
    return answer_items(stack.registry.consents.of(Ref("model", name, selector)))


@router.post("/{name:path}/versions/{selector}/consents")
def consent(stack: StackOf, name: str, selector: str, body: ConsentBody) -> Response:
    """Agree that something may be done with a version."""
    return answer_items(stack.registry.consents.give(Ref("model", name, selector), body.action, note=body.note))


@router.put("/{name:path}/versions/{selector}/description")
def describe(stack: StackOf, name: str, selector: str, body: TextBody) -> Response:
    """Say what a version is."""
    ref = Ref("model", name, selector)
    stack.registry.changes.describe(ref, body.text)
    return answer(stack.registry.get(ref))


@router.put("/{name:path}/versions/{selector}/tags/{key}")
def tag(stack: StackOf, name: str, selector: str, key: str, body: TagBody) -> Response:
    """Put a tag on a version."""
    ref = Ref("model", name, selector)
    stack.registry.changes.tag(ref, key, body.value)
    return answer(stack.registry.get(ref))


@router.delete("/{name:path}/versions/{selector}/tags/{key}")
def untag(stack: StackOf, name: str, selector: str, key: str) -> Response:
    """Take a tag away from a version."""
    ref = Ref("model", name, selector)
    stack.registry.changes.untag(ref, key)
    return answer(stack.registry.get(ref))


@router.delete("/{name:path}/versions/{selector}")
def delete(stack: StackOf, name: str, selector: str, force: bool = False) -> Response:
    """Delete a version; refused while something answers with it, unless forced."""
    broke = stack.registry.delete(Ref("model", name, selector), force=force)
    return answer({"deleted": str(Ref("model", name, selector)), "broke": broke})


@router.put("/{name:path}/name")
def rename(stack: StackOf, name: str, body: NameBody) -> Response:
    """Give a model another name; its versions keep their numbers."""
    return answer(stack.registry.changes.rename(name, body.name))


@router.put("/{name:path}/aliases/{alias}")
def alias(stack: StackOf, name: str, alias: str, body: AliasBody) -> Response:
    """Let an alias name a version, whatever it named before."""
    return answer(stack.registry.alias(Ref("model", name, body.version), alias))


@router.delete("/{name:path}/aliases/{alias}")
def unalias(stack: StackOf, name: str, alias: str) -> Response:
    """Take an alias away."""
    stack.registry.unalias(name, alias)
    return answer({"name": name, "alias": alias})
