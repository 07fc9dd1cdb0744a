"""Runs that are given up: their metrics, parameters, tags, inputs and logged models; their executions stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select

from stackcanvas.backends.objects import Objects
from stackcanvas.experiments.logged.tables import (
    logged_model,
    logged_model_metric,
    logged_model_parameter,
    logged_model_tag,
    run_model,
)
from stackcanvas.experiments.places import own_model_place, own_run_place
from stackcanvas.experiments.runs import DELETED, PARENT, RUNNING, SCHEDULED
from stackcanvas.experiments.tables import (
    run,
    run_dataset,
    run_environment,
    run_input,
    run_metric,
    run_metric_latest,
    run_origin,
    run_parameter,
    run_tag,
)

_BATCH = 500
_OF_A_RUN = (run_origin, run_parameter, run_tag, run_metric, run_metric_latest, run_input, run_model)
_OF_A_MODEL = (logged_model_parameter, logged_model_tag, logged_model_metric, run_model)


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run that is old enough to go."""

    id: str
    name: str
    since: datetime


def old_runs(connection: Connection, *, ended: datetime | None, deleted: datetime | None) -> list[OldRun]:
    """The runs that ended, or were deleted, before an instant, oldest first; those at work are never among them."""
    since = func.coalesce(run.c.ended, run.c.started)
    wanted = []
    if ended is not None:
        wanted.append(since < ended)
    if deleted is not None:
        wanted.append((run.c.lifecycle == DELETED) & (func.coalesce(run.c.deleted, since) < deleted))
    if not wanted:
        return []
    chosen = select(run.c.id, run.c.name, run.c.started, run.c.ended).where(or_(*wanted))
    at_rest = run.c.status.not_in((RUNNING, SCHEDULED))
    rows = connection.execute(chosen.where(at_rest).order_by(run.c.started, run.c.id))
    return [OldRun(row.id, row.name, row.ended or row.started) for row in rows]


def with_parents(connection: Connection, ids: Collection[str]) -> set[str]:
    """Runs and those that they are nested in."""
    found: set[str] = set()
    new = set(ids)
    while new:
        found |= new
        parents = select(run_tag.c.value).where(run_tag.c.key == PARENT)
        new = {
            parent
            for some in _batches(sorted(new))
            for parent in connection.execute(parents.where(run_tag.c.run.in_(some))).scalars()
        } - found
    return found


def source_runs(connection: Connection, models: Collection[str]) -> set[str]:
    """The runs that logged some models."""
    chosen = select(logged_model.c.source_run).where(logged_model.c.source_run.is_not(None))
    return {
        str(found)
        for some in _batches(sorted(models))
        for found in connection.execute(chosen.where(logged_model.c.id.in_(some))).scalars()
    }


def remove_runs(tx: Connection, ids: Sequence[str]) -> int:
    """Remove runs with all that belongs to them, inside the caller's transaction; returns how many there were."""
    removed = 0
    for some in _batches(ids):
        models = tx.execute(select(logged_model.c.id).where(logged_model.c.source_run.in_(some))).scalars().all()
        for table in _OF_A_MODEL:
            for part in _batches(models):
                tx.execute(delete(table).where(table.c.model.in_(part)))
        for part in _batches(models):
            tx.execute(delete(logged_model).where(logged_model.c.id.in_(part)))
        for table in _OF_A_RUN:
            tx.execute(delete(table).where(table.c.run.in_(some)))
        removed += tx.execute(delete(run).where(run.c.id.in_(some))).rowcount
    if removed:
        tx.execute(delete(run_dataset).where(run_dataset.c.id.not_in(select(run_input.c.dataset))))
        used = select(run.c.environment).where(run.c.environment.is_not(None))
        tx.execute(delete(run_environment).where(run_environment.c.digest.not_in(used)))
    return removed


def strays(connection: Connection, objects: Objects) -> dict[str, list[tuple[str, int]]]:
    """Files of runs and of logged models that are no longer recorded: key and size, by the folder of each."""
    found: dict[str, list[tuple[str, int]]] = {}
    for table, place in ((run, own_run_place), (logged_model, own_model_place)):
        prefix = place("-").partition("/")[0]
        by_id: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for info in objects.list(f"{prefix}/"):
            by_id[info.key.split("/")[1]].append((info.key, info.size_bytes))
        known: set[str] = set()
        for some in _batches(sorted(by_id)):
            known.update(connection.execute(select(table.c.id).where(table.c.id.in_(some))).scalars())
        found |= {f"{prefix}/{one}": files for one, files in by_id.items() if one not in known}
    return found


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
