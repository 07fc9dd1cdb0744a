"""Executions, artifacts, lineage and the audit log over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of
from stackcanvas.stack.lineage import trail

router = router_of("/metadata", "metadata")

Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/executions")
def executions(  # noqa: PLR0917 - FastAPI passes them by name
    stack: StackOf,
    kind: str | None = None,
    state: str | None = None,
    subject: str | None = None,
    parent: str | None = None,
    limit: Limit = 100,
) -> Response:
    """Executions, newest first."""
    about = Ref.parse(subject) if subject else None
    found = stack.spine.executions.search(kind=kind, state=state, subject=about, parent=parent, limit=limit)
    return answer_items(found)


@router.get("/executions/{execution_id}")
def execution(stack: StackOf, execution_id: str) -> Response:
    """One execution with what it used and made."""
    found = stack.spine.executions.get(execution_id)
    return answer({"execution": found, "links": stack.spine.lineage.of(found.id)})


@router.get("/processes")
def processes(stack: StackOf) -> Response:
    """Which processes of the stack live, on every machine: since when, when they were heard of last, what fails."""
    return answer_items(stack.spine.heartbeats.ls())


@router.get("/artifacts")
def artifacts(stack: StackOf, kind: str | None = None, name: str | None = None, limit: Limit = 100) -> Response:
    """Artifacts, newest first."""
    return answer_items(stack.spine.artifacts.search(kind=kind, name=name, limit=limit))


@router.get("/lineage")
def lineage(
    stack: StackOf,
    ref: Annotated[str, Query(description="kind:name[@selector]")],
    down: Annotated[bool, Query(description="Walk to what was made from it.")] = False,
) -> Response:
    """The way from a ref to what it came from, or to what was made from it."""
    return answer(trail(stack, Ref.parse(ref), downstream=down))


@router.get("/audit")
def audit(stack: StackOf, subject: str | None = None, limit: Limit = 100) -> Response:
    """The audit log, newest first."""
    return answer_items(stack.spine.audit.entries(subject=Ref.parse(subject) if subject else None, limit=limit))


@router.get("/retention")
def retention(stack: StackOf) -> Response:
    """How long everything is kept, what is old enough to go, and when that was last enforced."""
    keeping = stack.keeping
    return answer({"rules": keeping.rules(), "going": keeping.plan(), "applied": keeping.applied(limit=1)})


@router.post("/retention")
def retain(
    stack: StackOf,
    patience_s: Annotated[int, Query(ge=0, le=600, description="How long to wait for work that is writing.")] = 10,
) -> Response:
    """Remove what is older than the canvas lets it be kept, and give its space back."""
    return answer(stack.keeping.retain(patience=timedelta(seconds=patience_s)))


class ErasureAsked(BaseModel):
    """Whose rows are to be erased, and from where on."""

    model_config = ConfigDict(extra="forbid")

    data: list[str] = Field(min_length=1, max_length=100, description="Data sets to begin with.")
    key: str = Field(min_length=1, description="The column that tells whose a row is.")
    values: list[str] = Field(min_length=1, max_length=10_000, description="Values of it, as text.")
    mask: list[str] = Field(default=[], max_length=100, description="Columns to empty instead of removing rows.")
    plan: bool = Field(default=True, description="Change nothing; tell what would be.")


@router.post("/erasure")
def erasure(stack: StackOf, asked: ErasureAsked) -> Response:
    """Erase the rows of persons from everything that holds them; only told unless `plan` is false."""
    done = stack.keeping.erase(
        asked.data,
        key=asked.key,
        values=asked.values,
        blank=asked.mask,
        plan=asked.plan,
        patience=timedelta(seconds=10),
    )
    return answer(done)
