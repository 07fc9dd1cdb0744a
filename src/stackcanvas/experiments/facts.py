"""Runs as they are told to clients that read many: what the database gave, with little made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from stackcanvas.backends.database import OfMany, Ready
from stackcanvas.errors import NotFound
from stackcanvas.experiments.logged.tables import run_model
from stackcanvas.experiments.metrics import LATEST_OF
from stackcanvas.experiments.runs import PARAMETERS_OF, TAGS_OF, RunInput, inputs_of
from stackcanvas.experiments.tables import run, run_dataset, run_input

READ, MADE = "read", "made"
_MOST_DATASETS = 1_000


@dataclass(slots=True)
class RunFacts:
    """A run with what belongs to it as rows that begin with its id.

    Args:
        parameters: id, key, value; tags alike.
        metrics: id, key, the latest value, its step and its time in microseconds; NaN may be the word.
    """

    id: str
    experiment: int
    name: str
    status: str
    started: datetime
    ended: datetime | None
    lifecycle: str
    artifact_location: str
    actor: str
    parameters: Sequence[tuple[str, str, str]] = ()
    tags: Sequence[tuple[str, str, str]] = ()
    metrics: Sequence[tuple[str, str, float, int, int]] = ()
    inputs: Sequence[RunInput] = ()
    read_models: Sequence[tuple[str, int]] = ()
    made_models: Sequence[tuple[str, int]] | None = None


def gather(connection: Connection, rows: Sequence[Row[Any]]) -> list[RunFacts]:
    """Runs with all that belongs to them, from their rows."""
    return _complete(connection, [RunFacts(*_own(row)) for row in rows])


def whole(connection: Connection, run_id: str) -> RunFacts:
    """One run with all that belongs to it.

    Raises:
        NotFound: there is no such run.
    """
    return _complete(connection, [bare(connection, run_id)])[0]


def _complete(connection: Connection, found: list[RunFacts]) -> list[RunFacts]:
    ids = [one.id for one in found]
    parameters, tags, metrics, models = (_by_run(of.all(connection, ids)) for of in _BELONGING)
    inputs = inputs_of(connection, ids)
    for one in found:
        one.parameters, one.tags, one.metrics = parameters[one.id], tags[one.id], metrics[one.id]
        one.inputs = inputs[one.id]
        one.read_models = [(model, step) for _, role, model, step in models[one.id] if role == READ]
        one.made_models = [(model, step) for _, role, model, step in models[one.id] if role == MADE]
    return found


def bare(connection: Connection, run_id: str) -> RunFacts:
    """One run alone.

    Raises:
        NotFound: there is no such run.
    """
    row = _BARE.first(connection, {"which": run_id})
    if row is None:
        raise NotFound("run", run_id)
    return RunFacts(*row)


def datasets_of(connection: Connection, experiments: Sequence[int]) -> list[tuple[int, str, str, str | None]]:
    """Data sets that runs of experiments read: experiment, name, digest, and what for where that was said."""
    both = run_dataset.join(run_input, run_input.c.dataset == run_dataset.c.id)
    which = (run_dataset.c.experiment, run_dataset.c.name, run_dataset.c.digest)
    chosen = select(*which, run_input.c.tags).select_from(both).where(run_dataset.c.experiment.in_(list(experiments)))
    # What one was read for, in the order in which that was said: ids of runs grow.
    rows = connection.execute(chosen.group_by(*which, run_input.c.tags).order_by(*which, func.min(run_input.c.run)))
    told = dict.fromkeys((number, name, digest, tags.get("context")) for number, name, digest, tags in rows)
    return list(told)[:_MOST_DATASETS]


_OWN = ("id", "experiment", "name", "status", "started", "ended", "lifecycle", "artifact_location", "actor")
_own = attrgetter(*_OWN)
_BARE = Ready(select(*(run.c[name] for name in _OWN)).where(run.c.id == bindparam("which")), ("which",))
_models = run_model.c
_MODELS_OF = OfMany(
    select(_models.run, _models.role, _models.model, _models.step).order_by(_models.model, _models.step), _models.run
)
_BELONGING = (PARAMETERS_OF, TAGS_OF, LATEST_OF, _MODELS_OF)


def _by_run(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found
