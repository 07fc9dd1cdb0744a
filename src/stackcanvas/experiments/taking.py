"""Runs, experiments and logged models that come from elsewhere as they were there: with their ids and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from stackcanvas.backends.database.transfer import go_on_counting
from stackcanvas.backends.database.types import Integer, Text
from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.experiments.catalog import Catalog
from stackcanvas.experiments.facts import MADE, READ
from stackcanvas.experiments.logged.models import LoggedModels, ModelMetric
from stackcanvas.experiments.logged.tables import (
    logged_model,
    logged_model_parameter,
    logged_model_tag,
    run_model,
)
from stackcanvas.experiments.metrics import Metrics, Raw
from stackcanvas.experiments.places import own_model_place, own_run_place
from stackcanvas.experiments.runs import FINISHED, KILLED, RUNNING, SCHEDULED, RunInput, Runs
from stackcanvas.experiments.tables import experiment, experiment_tag, run, run_parameter
from stackcanvas.metadata import CodeState, Execution, Ref, Spine

_FIRST_US, _LAST_US = to_us(datetime.min.replace(tzinfo=UTC)), to_us(datetime.max.replace(tzinfo=UTC))
# Room for all that are numbered after it.
_LARGEST = 1 << 62
_STATES = {SCHEDULED: "running", RUNNING: "running", FINISHED: "done", KILLED: "cancelled"}


@dataclass(frozen=True, slots=True)
class TakenExperiment:
    """An experiment as it is elsewhere.

    Args:
        number: the one that it has there; None where it is no number.
    """

    number: int | None
    name: str
    lifecycle: str
    created: datetime
    updated: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run as it is elsewhere.

    Args:
        experiment: its number and its name here.
        points: every value of every metric.
        read_models: ids of logged models, each with a step; those that it made alike.
    """

    id: str
    experiment: tuple[int, str]
    name: str
    status: str
    started: datetime
    ended: datetime | None
    lifecycle: str
    deleted: datetime | None
    actor: str
    code_commit: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: Sequence[Raw] = ()
    inputs: Sequence[RunInput] = ()
    read_models: Sequence[tuple[str, int]] = ()
    made_models: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True)
class TakenModel:
    """A logged model as it is elsewhere."""

    id: str
    experiment: int
    name: str
    model_type: str | None
    source_run: str | None
    status: str
    status_message: str | None
    lifecycle: str
    created: datetime
    updated: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[ModelMetric] = ()


class Taking:
    """Writes what comes from elsewhere, inside the caller's transaction.

    What is here already is brought to what is said of it now; what was added to it here stays.
    """

    def __init__(self, spine: Spine, *, catalog: Catalog, runs: Runs, metrics: Metrics, models: LoggedModels) -> None:
        self._spine = spine
        self._catalog = catalog
        self._runs = runs
        self._metrics = metrics
        self._models = models
        insert = spine.database.insert
        new = insert(run)
        kept = ("id", "experiment", "artifact_location")
        changed = {column.name: new.excluded[column.name] for column in run.c if column.name not in kept}
        self._put_run = new.on_conflict_do_update(index_elements=[run.c.id], set_=changed)
        self._put_parameters = self._upsert(run_parameter, "value")
        self._put_tags = self._upsert(experiment_tag, "value")
        self._link = insert(run_model).on_conflict_do_nothing()
        kept = ("id", "experiment", "artifact_location")
        self._put_model = self._upsert(logged_model, *(one.name for one in logged_model.c if one.name not in kept))
        self._put_pairs = {table: self._upsert(table, "value") for table in (logged_model_parameter, logged_model_tag)}

    def experiment(self, tx: Connection, given: TakenExperiment) -> int:
        """Have an experiment of that name, under its own number where that is free; gives the number.

        Raises:
            BadInput: the name is empty.
        """
        named = select(experiment.c.id).where(experiment.c.name == given.name)
        number = tx.execute(named).scalar_one_or_none()
        if number is None:
            number = self._catalog.ensure(tx, given.name)
            facts: dict[str, Any] = {
                "lifecycle": given.lifecycle,
                "created": given.created,
                "updated": given.updated,
            }
            wanted = given.number
            if wanted is not None and wanted != number and self._is_free(tx, wanted):
                facts["id"] = wanted
            tx.execute(update(experiment).where(experiment.c.id == number).values(facts))
            number = facts.get("id", number)
            go_on_counting(tx, experiment)
        rows = [{"experiment": number, "key": key, "value": value} for key, value in given.tags.items()]
        if rows:
            tx.execute(self._put_tags, rows)
        return int(number)

    def change(self, tx: Connection, number: int, given: TakenExperiment) -> None:
        """Bring an experiment that was taken over to what is said of it now.

        Raises:
            Conflict: another one here has its new name.
        """
        taken = select(experiment.c.id).where(experiment.c.name == given.name, experiment.c.id != number)
        if tx.execute(taken).first() is not None:
            raise Conflict(f"another experiment here is called {given.name!r}", fix="Rename that one first")
        facts = {"name": given.name, "lifecycle": given.lifecycle, "updated": given.updated}
        tx.execute(update(experiment).where(experiment.c.id == number).values(facts))
        self.experiment(tx, given)

    def is_here(self, connection: Connection, run_id: str) -> bool:
        """Whether there is a run of that id."""
        return connection.execute(select(run.c.id).where(run.c.id == run_id)).first() is not None

    def runs(self, tx: Connection, given: Sequence[TakenRun]) -> None:
        """Write runs with all that belongs to them, and the work that they were."""
        if not given:
            return
        tx.execute(self._put_run, [self._facts(one) for one in given])
        parameters = [
            {"run": one.id, "key": key, "value": value} for one in given for key, value in one.parameters.items()
        ]
        if parameters:
            tx.execute(self._put_parameters, parameters)
        links = []
        for one in given:
            number = one.experiment[0]
            self._runs.set_tags(tx, one.id, one.tags)
            _check(one.points, tx)
            self._metrics.add_raw(tx, one.id, one.points, experiment=number)
            self._runs.add_inputs(tx, one.id, one.inputs, experiment_id=number)
            for role, models in ((READ, one.read_models), (MADE, one.made_models)):
                links += [{"run": one.id, "role": role, "model": model, "step": step} for model, step in models]
        if links:
            tx.execute(self._link, links)
        self._spine.executions.take(tx, [_work(one) for one in given])

    def model(self, tx: Connection, given: TakenModel) -> None:
        """Write a logged model with all that belongs to it."""
        facts = {
            "id": given.id,
            "experiment": given.experiment,
            "name": given.name,
            "model_type": given.model_type,
            "source_run": given.source_run,
            "status": given.status,
            "status_message": given.status_message,
            "artifact_location": own_model_place(given.id),
            "lifecycle": given.lifecycle,
            "created": given.created,
            "updated": given.updated,
        }
        tx.execute(self._put_model, facts)
        for table, pairs in ((logged_model_parameter, given.parameters), (logged_model_tag, given.tags)):
            rows = [{"model": given.id, "key": key, "value": value} for key, value in pairs.items()]
            if rows:
                tx.execute(self._put_pairs[table], rows)
        self._models.add_metrics(tx, given.id, given.metrics)

    def _is_free(self, tx: Connection, number: int) -> bool:
        if not 0 < number < _LARGEST:
            return False
        taken = tx.execute(select(experiment.c.id).where(experiment.c.id == number)).first()
        return taken is None

    def _facts(self, one: TakenRun) -> dict[str, Any]:
        return {
            "id": one.id,
            "experiment": one.experiment[0],
            "name": one.name,
            "status": one.status,
            "started": one.started,
            "ended": one.ended,
            "lifecycle": one.lifecycle,
            "deleted": one.deleted,
            "artifact_location": own_run_place(one.id),
            "actor": one.actor,
            "code_commit": one.code_commit,
            "dirty": False,
        }

    def _upsert(self, table: Any, *columns: str) -> Any:
        new = self._spine.database.insert(table)
        changed = {name: new.excluded[name] for name in columns}
        return new.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)


def _check(points: Sequence[Raw], tx: Connection) -> None:
    """Refuse what one of the databases could not keep, or nobody could read again."""
    for key in {one.key for one in points}:
        Text().process_bind_param(key, tx.dialect)
    if points:
        steps, times = [one.step for one in points], [one.time_us for one in points]
        for step in (min(steps), max(steps)):
            Integer().process_bind_param(step, tx.dialect)
        if min(times) < _FIRST_US or max(times) > _LAST_US:
            raise BadInput("a metric has a time that no calendar knows", expected="the years 1 to 9999")


def _work(one: TakenRun) -> Execution:
    return Execution(
        id=one.id,
        kind="experiments.run",
        state=_STATES.get(one.status, "failed"),
        subject=Ref("run", one.id),
        trigger="manual",
        actor=one.actor,
        verified=False,
        started=one.started,
        ended=one.ended,
        code=CodeState(one.code_commit),
        parameters={"experiment": one.experiment[1]},
        process="elsewhere/0/0",
        parent=None,
        error=None,
    )
