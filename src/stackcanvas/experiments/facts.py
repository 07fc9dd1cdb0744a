"""Runs as they are told to clients that read many: what the database gave, with little made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, Double, Row, Select, bindparam, func, select, type_coerce

from stackcanvas.backends.database import Ready
from stackcanvas.errors import NotFound
from stackcanvas.experiments.logged.tables import run_model
from stackcanvas.experiments.metrics import plain_rows
from stackcanvas.experiments.runs import RunInput, inputs_of
from stackcanvas.experiments.tables import run, run_dataset, run_input, run_metric_latest, run_parameter, run_tag

READ, MADE = "read", "made"
# Databases bound how many values a statement may hold.
_MOST_IDS = 5_000
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
    found = [RunFacts(*_own(row)) for row in rows]
    for some in _parts(found):
        ids = [one.id for one in some]
        parameters = _by_run(connection, _pairs(run_parameter).where(run_parameter.c.run.in_(ids)))
        tags = _by_run(connection, _pairs(run_tag).where(run_tag.c.run.in_(ids)))
        metrics = _by_run(connection, _metrics().where(run_metric_latest.c.run.in_(ids)))
        inputs = inputs_of(connection, ids)
        models = _by_run(connection, _models().where(run_model.c.run.in_(ids)))
        for one in some:
            one.parameters, one.tags, one.metrics = parameters[one.id], tags[one.id], metrics[one.id]
            one.inputs = inputs[one.id]
            _put(one, models[one.id])
    return found


def whole(connection: Connection, run_id: str) -> RunFacts:
    """One run with all that belongs to it; asked for often, so by statements that are put together once.

    Raises:
        NotFound: there is no such run.
    """
    one, which = bare(connection, run_id), {"which": run_id}
    one.parameters, one.tags, one.metrics = (
        ready.all(connection, which) for ready in (_PARAMETERS_OF, _TAGS_OF, _METRICS_OF)
    )
    one.inputs = inputs_of(connection, [one.id])[one.id] if _READS_OF.first(connection, which) else ()
    _put(one, _MODELS_OF.all(connection, which))
    return one


def _put(one: RunFacts, models: Sequence[tuple[Any, ...]]) -> None:
    one.read_models = [(model, step) for _, role, model, step in models if role == READ]
    one.made_models = [(model, step) for _, role, model, step in models if role == MADE]


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


def _parts(found: list[RunFacts]) -> Iterator[list[RunFacts]]:
    for start in range(0, len(found), _MOST_IDS):
        yield found[start : start + _MOST_IDS]


def _pairs(table: Any) -> Select[Any]:
    return select(table.c.run, table.c.key, table.c.value)


def _metrics() -> Select[Any]:
    latest = run_metric_latest.c
    # As the driver gives them: the column types would take longer than the query.
    value, time = type_coerce(latest.value, Double), type_coerce(latest.time, BigInteger)
    return select(latest.run, latest.key, value, type_coerce(latest.step, BigInteger), time)


def _models() -> Select[Any]:
    models = run_model.c
    return select(models.run, models.role, models.model, models.step).order_by(models.model, models.step)


def _of_one(chosen: Select[Any], run: Any) -> Ready:
    return Ready(chosen.where(run == bindparam("which")), ("which",))


_OWN = ("id", "experiment", "name", "status", "started", "ended", "lifecycle", "artifact_location", "actor")
_own = attrgetter(*_OWN)
_BARE = _of_one(select(*(run.c[name] for name in _OWN)), run.c.id)
_PARAMETERS_OF = _of_one(_pairs(run_parameter), run_parameter.c.run)
_TAGS_OF = _of_one(_pairs(run_tag), run_tag.c.run)
_METRICS_OF = _of_one(_metrics(), run_metric_latest.c.run)
_MODELS_OF = _of_one(_models(), run_model.c.run)
_READS_OF = _of_one(select(run_input.c.dataset).limit(1), run_input.c.run)


def _by_run(connection: Connection, chosen: Any) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in plain_rows(connection, chosen):
        found[row[0]].append(row)
    return found
