"""Logged models as records, with their parameters, tags and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from stackcanvas.clock import from_us, to_us
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments.catalog import ACTIVE, DELETED
from stackcanvas.experiments.logged.search import DatasetMetric, ModelOrder, chosen_models
from stackcanvas.experiments.logged.tables import (
    logged_model,
    logged_model_metric,
    logged_model_parameter,
    logged_model_tag,
)
from stackcanvas.experiments.metrics import Raw
from stackcanvas.experiments.names import spoken
from stackcanvas.experiments.places import below, own_model_place
from stackcanvas.experiments.search import Condition
from stackcanvas.experiments.tables import experiment
from stackcanvas.metadata import Spine

PENDING, READY, FAILED, UNKNOWN = "pending", "ready", "failed", "unknown"
STATUSES = (PENDING, READY, FAILED, UNKNOWN)


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """A metric of a logged model, on a data set where one was named."""

    run: str
    point: Raw
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model as it was logged.

    Args:
        status: pending, ready or failed.
        source_run: the run that made it.
        artifact_location: where its files lie.
    """

    id: str
    experiment_id: int
    name: str
    model_type: str | None
    source_run: str | None
    status: str
    status_message: str | None
    artifact_location: str
    lifecycle: str
    created: datetime
    updated: datetime
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[ModelMetric] = field(default_factory=list)


class LoggedModels:
    """Keeps the logged models."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine
        insert = spine.database.insert
        self._add_metric = insert(logged_model_metric).on_conflict_do_nothing()
        tag = insert(logged_model_tag)
        keys = [logged_model_tag.c.model, logged_model_tag.c.key]
        self._set_tag = tag.on_conflict_do_update(index_elements=keys, set_={"value": tag.excluded.value})

    def create(
        self,
        experiment_id: int,
        *,
        name: str | None = None,
        model_type: str | None = None,
        source_run: str | None = None,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> LoggedModel:
        """Record a model whose files are about to be written.

        Raises:
            NotFound: there is no such experiment.
            Conflict: the experiment is deleted.
        """
        model_id, now = f"m-{self._spine.ids.new()}", self._spine.clock.now()
        with self._spine.write() as tx:
            known = select(experiment.c.lifecycle, experiment.c.artifact_location)
            around = tx.execute(known.where(experiment.c.id == experiment_id)).one_or_none()
            if around is None:
                raise NotFound("experiment", str(experiment_id))
            if around.lifecycle == DELETED:
                raise Conflict(
                    f"The experiment {experiment_id} must be in the 'active' state. Current state is {DELETED}"
                )
            location = around.artifact_location
            facts = {
                "id": model_id,
                "experiment": experiment_id,
                "name": name or spoken(model_id),
                "model_type": model_type,
                "source_run": source_run,
                "status": PENDING,
                "artifact_location": below(location, "models", model_id, "artifacts")
                if location
                else own_model_place(model_id),
                "lifecycle": ACTIVE,
                "created": now,
                "updated": now,
            }
            tx.execute(logged_model.insert(), facts)
            self._add_parameters(tx, model_id, parameters or {})
            self._set_tags(tx, model_id, tags or {})
        return self.get(model_id)

    def get(self, model_id: str, *, deleted: bool = False) -> LoggedModel:
        """One model.

        Args:
            deleted: give it even where it is deleted.

        Raises:
            NotFound: there is none of that id.
        """
        wanted = select(logged_model).where(logged_model.c.id == model_id)
        with self._spine.read() as connection:
            row = connection.execute(wanted).one_or_none()
            if row is None or (row.lifecycle == DELETED and not deleted):
                raise NotFound("logged model with ID", model_id)
            return _complete(connection, [row])[0]

    def search(
        self,
        *,
        experiments: Sequence[int],
        where: Sequence[Condition] = (),
        datasets: Sequence[DatasetMetric] = (),
        order_by: Sequence[ModelOrder] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> list[LoggedModel]:
        """Models that fulfil every condition, the newest first unless ordered otherwise.

        Args:
            datasets: a metric counts only when it was measured on one of these; without a condition on a metric, models
                that have any metric on one of them.
        """
        chosen = chosen_models(experiments, where=where, datasets=datasets, order_by=order_by)
        with self._spine.read() as connection:
            return _complete(connection, connection.execute(chosen.limit(limit).offset(offset)).all())

    def finish(self, model_id: str, status: str) -> LoggedModel:
        """Record that the files of a model are all there, or that they will not be."""
        if status not in STATUSES:
            raise BadInput(f"{status!r} is no status of a logged model", expected=", ".join(STATUSES))
        self._change(model_id, status=status)
        return self.get(model_id, deleted=True)

    def delete(self, model_id: str) -> None:
        """Delete a model; its records stay."""
        self._change(model_id, lifecycle=DELETED)

    def add_parameters(self, model_id: str, parameters: Mapping[str, str]) -> None:
        """Record parameters; each is written once.

        Raises:
            Conflict: one has another value already.
        """
        with self._spine.write() as tx:
            self.check(tx, model_id)
            self._add_parameters(tx, model_id, parameters)

    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; a later value takes the place of an earlier one."""
        with self._spine.write() as tx:
            self.check(tx, model_id)
            self._set_tags(tx, model_id, tags)

    def change_tag(self, model_id: str, key: str, change: Callable[[str | None], str]) -> None:
        """Set a tag to what is made of its value, which nobody else changes meanwhile.

        Args:
            change: gives the new value for the one that is there, or for None.
        """
        here = (logged_model_tag.c.model == model_id) & (logged_model_tag.c.key == key)
        with self._spine.write() as tx:
            if tx.execute(select(logged_model.c.id).where(logged_model.c.id == model_id).with_for_update()).first():
                before = tx.execute(select(logged_model_tag.c.value).where(here)).scalar()
                self._set_tags(tx, model_id, {key: change(before)})
                return
        raise NotFound("logged model with ID", model_id)

    def drop_tag(self, model_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            NotFound: the model has no such tag.
        """
        with self._spine.write() as tx:
            self.check(tx, model_id)
            here = (logged_model_tag.c.model == model_id) & (logged_model_tag.c.key == key)
            if not tx.execute(logged_model_tag.delete().where(here)).rowcount:
                raise NotFound("tag of the logged model", key)

    def add_metrics(self, tx: Connection, model_id: str, metrics: Sequence[ModelMetric]) -> None:
        """Append values inside the caller's transaction; what is there already is not added again."""
        rows = [
            {
                "model": model_id,
                "run": one.run,
                **one.point._asdict(),
                "dataset_name": one.dataset_name,
                "dataset_digest": one.dataset_digest,
            }
            for one in metrics
        ]
        for row in rows:
            row["time"] = from_us(row.pop("time_us"))
        if rows:
            tx.execute(self._add_metric, rows)

    def check(self, tx: Connection, model_id: str) -> None:
        """Refuse a model that there is none of, nor ever was."""
        if tx.execute(select(logged_model.c.id).where(logged_model.c.id == model_id)).first() is None:
            raise NotFound("logged model with ID", model_id)

    def _change(self, model_id: str, **values: object) -> None:
        changed = update(logged_model).where(logged_model.c.id == model_id)
        with self._spine.write() as tx:
            if not tx.execute(changed.values(**values, updated=self._spine.clock.now())).rowcount:
                raise NotFound("logged model with ID", model_id)

    def _add_parameters(self, tx: Connection, model_id: str, parameters: Mapping[str, str]) -> None:
        if not parameters:
            return
        here = logged_model_parameter.c
        chosen = select(here.key, here.value).where(here.model == model_id, here.key.in_(list(parameters)))
        held = {row.key: row.value for row in tx.execute(chosen)}
        for key, value in held.items():
            if parameters[key] != value:
                raise Conflict(f"the parameter {key!r} of the model has the value {value!r} already")
        new = [{"model": model_id, "key": key, "value": parameters[key]} for key in parameters if key not in held]
        if new:
            tx.execute(logged_model_parameter.insert(), new)

    def _set_tags(self, tx: Connection, model_id: str, tags: Mapping[str, str]) -> None:
        if tags:
            tx.execute(self._set_tag, [{"model": model_id, "key": key, "value": tags[key]} for key in tags])


def _complete(connection: Connection, rows: Sequence[Row[Any]]) -> list[LoggedModel]:
    ids = [row.id for row in rows]
    parameters: dict[str, dict[str, str]] = {model_id: {} for model_id in ids}
    tags: dict[str, dict[str, str]] = {model_id: {} for model_id in ids}
    for table, found in ((logged_model_parameter, parameters), (logged_model_tag, tags)):
        pairs = select(table.c.model, table.c.key, table.c.value).where(table.c.model.in_(ids))
        for model_id, key, value in connection.execute(pairs):
            found[model_id][key] = value
    metrics: dict[str, list[ModelMetric]] = {model_id: [] for model_id in ids}
    values = logged_model_metric
    chosen = select(values).where(values.c.model.in_(ids)).order_by(values.c.time, values.c.step, values.c.key)
    for row in connection.execute(chosen):
        point = Raw(row.key, row.step, to_us(row.time), row.value)
        metrics[row.model].append(ModelMetric(row.run, point, row.dataset_name, row.dataset_digest))
    return [
        LoggedModel(
            id=row.id,
            experiment_id=row.experiment,
            name=row.name,
            model_type=row.model_type,
            source_run=row.source_run,
            status=row.status,
            status_message=row.status_message,
            artifact_location=row.artifact_location,
            lifecycle=row.lifecycle,
            created=row.created,
            updated=row.updated,
            parameters=parameters[row.id],
            tags=tags[row.id],
            metrics=metrics[row.id],
        )
        for row in rows
    ]
