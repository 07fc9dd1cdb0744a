"""Pipelines and their runs over REST; a run that is asked for here is executed by a worker."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/pipelines", "pipelines")
runs_router = router_of("/pipeline-runs", "pipelines")

Limit = Annotated[int, Query(ge=1, le=1000)]


class RunBody(BaseModel):
    """What a run is to be given."""

    parameters: dict[str, Any] = Field(default_factory=dict, description="Those that differ from the defaults.")
    concurrency: int | None = Field(
        default=None, ge=1, description="It waits while so many runs of the pipeline are going on."
    )


@router.get("")
def pipelines(stack: StackOf) -> Response:
    """The pipelines of the project, by name."""
    return answer_items([found.described() for found in stack.pipelines.ls()])


@router.get("/{name}")
def pipeline(stack: StackOf, name: str) -> Response:
    """The steps of a pipeline with its default parameters, and what each needs."""
    return answer_items(stack.pipelines.describe(name))


@router.get("/{name}/runs")
def runs_of(stack: StackOf, name: str, state: str | None = None, limit: Limit = 100) -> Response:
    """The runs of a pipeline, the newest first."""
    return answer_items(stack.pipelines.runs(pipeline=name, state=state, limit=limit))


@router.post("/{name}/runs")
def run(stack: StackOf, name: str, body: RunBody) -> Response:
    """Ask for a run; a worker executes it."""
    return answer(stack.pipelines.queue(name, body.parameters, concurrency=body.concurrency), status=202)


@runs_router.get("")
def all_runs(stack: StackOf, state: str | None = None, limit: Limit = 100) -> Response:
    """Runs of all pipelines, the newest first."""
    return answer_items(stack.pipelines.runs(state=state, limit=limit))


@runs_router.get("/{run_id}")
def one_run(stack: StackOf, run_id: str) -> Response:
    """One run."""
    return answer(stack.pipelines.get(run_id))


@runs_router.get("/{run_id}/steps")
def steps(stack: StackOf, run_id: str) -> Response:
    """The steps of a run, in the order of the graph."""
    stack.pipelines.get(run_id)
    return answer_items(stack.pipelines.steps(run_id))


@runs_router.post("/{run_id}/cancel")
def cancel(stack: StackOf, run_id: str) -> Response:
    """Take a queued run out of the queue."""
    return answer(stack.pipelines.cancel(run_id))
