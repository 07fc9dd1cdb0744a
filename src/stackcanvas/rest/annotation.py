"""Items that people label over REST."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Response
from pydantic import BaseModel, Field

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/annotation", "annotation")


class Who(BaseModel):
    """Who labels."""

    labeller: str = Field(default="", description="A name; whoever shows a token labels under the token's name.")


class LabelBody(Who):
    """What a person says of an item."""

    value: Any = Field(description="A choice, a list of choices, a number, or a list of {start, end, label}.")
    note: str = Field(default="", max_length=2000)
    took_s: float | None = Field(default=None, ge=0)


class NoteBody(Who):
    """Why."""

    note: str = Field(default="", max_length=2000)


@router.get("")
def queues(stack: StackOf) -> Response:
    """The queues with how far they are."""
    return answer_items([stack.annotation.progress(queue.name) for queue in stack.annotation.ls()])


@router.get("/{name:path}/items")
def items(
    stack: StackOf,
    name: str,
    undecided: Annotated[bool, Query(description="Only those whose labels come to nothing.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Items with what was said of them."""
    return answer_items(list(stack.annotation.items(name, undecided=undecided, limit=limit)))


@router.get("/{name:path}/items/{number}")
def item(stack: StackOf, name: str, number: int) -> Response:
    """One item with what was said of it."""
    return answer(stack.annotation.item(name, number))


@router.post("/{name:path}/claims")
def claim(stack: StackOf, name: str, body: Who) -> Response:
    """Take the next item in hand; null when nothing is left for this person."""
    return answer(stack.annotation.claim(name, stack.annotation.person(body.labeller)))


@router.post("/{name:path}/items/{number}/labels")
def label(stack: StackOf, name: str, number: int, body: LabelBody) -> Response:
    """Say what an item is."""
    person = stack.annotation.person(body.labeller)
    said = stack.annotation.label(name, number, person, body.value, note=body.note, took_s=body.took_s)
    return answer(said, status=201)


@router.post("/{name:path}/items/{number}/skip")
def skip(stack: StackOf, name: str, number: int, body: NoteBody) -> Response:
    """Leave an item to others for good."""
    stack.annotation.skip(name, number, stack.annotation.person(body.labeller), note=body.note)
    return answer({"skipped": number})


@router.post("/{name:path}/items/{number}/release")
def release(stack: StackOf, name: str, number: int, body: Who) -> Response:
    """Give an item back for now."""
    stack.annotation.release(name, number, stack.annotation.person(body.labeller))
    return answer({"released": number})


@router.put("/{name:path}/items/{number}/decision")
def decide(stack: StackOf, name: str, number: int, body: LabelBody) -> Response:
    """Settle an item, whatever its labels say."""
    by = stack.annotation.person(body.labeller)
    return answer(stack.annotation.decide(name, number, body.value, by=by))


@router.get("/{name:path}/agreement")
def agreement(stack: StackOf, name: str) -> Response:
    """How far people agree, beyond chance."""
    return answer(stack.annotation.agreement(name))


@router.get("/{name:path}/label-studio")
def label_studio(stack: StackOf, name: str) -> Response:
    """The queue as tasks of Label Studio, labels included."""
    return answer(stack.annotation.export_label_studio(name))


@router.post("/{name:path}/label-studio")
def import_label_studio(stack: StackOf, name: str, body: Annotated[list[Any], Body()]) -> Response:
    """Bring tasks of Label Studio and their annotations into a queue."""
    return answer(stack.annotation.import_label_studio(name, body), status=201)


@router.get("/{name:path}")
def queue(stack: StackOf, name: str) -> Response:
    """A queue: what it asks, how far it is, who did what."""
    return answer({"queue": stack.annotation.get(name), "progress": stack.annotation.progress(name)})
