"""Experiments and tracked runs over REST."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from stackcanvas.experiments.frame import frame_bytes
from stackcanvas.rest.answers import StackOf, answer, answer_items, gives
from stackcanvas.rest.routers import router_of

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.file",
    "parquet": "application/vnd.apache.parquet",
}

router = router_of("/experiments", "experiments")
runs_router = router_of("/runs", "experiments")

Where = Annotated[list[str] | None, Query(description="Such as `metrics.auc > 0.7 AND params.depth = '6'`.")]
OrderBy = Annotated[str, Query(description="Such as `metrics.auc desc`.")]
Limit = Annotated[int, Query(ge=1, le=10_000)]


@router.get("")
def experiments(stack: StackOf) -> Response:
    """Every experiment, the newest first."""
    return answer_items(stack.experiments.experiments())


@router.get("/{name}")
def experiment(stack: StackOf, name: str) -> Response:
    """One experiment, by its name."""
    return answer(stack.experiments.catalog.get(name))


@runs_router.get("")
def runs(  # noqa: PLR0917 - FastAPI passes them by name
    stack: StackOf,
    experiment: str | None = None,
    where: Where = None,
    order_by: OrderBy = "started desc",
    limit: Limit = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> Response:
    """Runs that fulfil every condition, in order; `next` is the offset of the following page."""
    found = stack.experiments.search(experiment, where=where or (), order_by=order_by, limit=limit, offset=offset)
    return answer_items(found, next_token=str(offset + limit) if len(found) == limit else None)


@runs_router.get("/compare")
def compare(stack: StackOf, run: Annotated[list[str], Query(description="The id of a run.")]) -> Response:
    """In what runs differ: a row for each thing that is not the same in all."""
    return answer_items(stack.experiments.compare(run))


@runs_router.get("/table", **gives(*(kind.partition(";")[0] for kind in _TYPES.values())))
def table(
    stack: StackOf,
    format: Literal["csv", "arrow", "parquet"] = "csv",  # noqa: A002 - the word that the command line has
    experiment: str | None = None,
    where: Where = None,
    order_by: OrderBy = "started desc",
) -> Response:
    """All runs that fulfil every condition as a file, with a column for each parameter, metric and tag."""
    rows = stack.experiments.frame(experiment, where=where or (), order_by=order_by)
    name = {"content-disposition": f'attachment; filename="runs.{format}"'}
    return Response(frame_bytes(rows, format), media_type=_TYPES[format], headers=name)


@runs_router.get("/{run_id}/origin")
def origin(stack: StackOf, run_id: str) -> Response:
    """Where a run comes from: command, machine, uncommitted changes; nothing for runs that tracking clients log."""
    return answer(stack.experiments.origins.get(stack.experiments.get(run_id).id) or {})


@runs_router.get("/{run_id}")
def run(stack: StackOf, run_id: str) -> Response:
    """One run, with the latest value of each metric."""
    return answer(stack.experiments.get(run_id))


@runs_router.get("/{run_id}/metrics/{key:path}")
def metric(stack: StackOf, run_id: str, key: str, limit: Limit = 10_000) -> Response:
    """The values of a metric, by step and time."""
    return answer_items(stack.experiments.metrics(run_id, key, limit=limit))


@runs_router.get("/{run_id}/artifacts")
def artifacts(stack: StackOf, run_id: str, folder: str = "") -> Response:
    """The files and folders in a folder of a run."""
    return answer_items(stack.experiments.artifacts(run_id, folder=folder))


@runs_router.get("/{run_id}/artifacts/{path:path}", **gives("application/octet-stream"))
def artifact(stack: StackOf, run_id: str, path: str) -> Response:
    """A file of a run, as bytes."""
    return Response(stack.experiments.files.get(run_id, path), media_type="application/octet-stream")
