"""Finding logged models by attributes, parameters, tags, and metrics on data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from stackcanvas.backends.database import ascending, descending
from stackcanvas.errors import BadInput
from stackcanvas.experiments.catalog import ACTIVE
from stackcanvas.experiments.logged.tables import (
    logged_model,
    logged_model_metric,
    logged_model_parameter,
    logged_model_tag,
)
from stackcanvas.experiments.places import own_model_place
from stackcanvas.experiments.search import OPERATORS, Condition, address

_NAN = float("nan")
ATTRIBUTES = {
    "id": logged_model.c.id,
    "name": logged_model.c.name,
    "model_type": logged_model.c.model_type,
    "source_run": logged_model.c.source_run,
    "status": logged_model.c.status,
    "address": address(logged_model, own_model_place("{}"), "models"),
    "experiment": logged_model.c.experiment,
    "created": logged_model.c.created,
    "updated": logged_model.c.updated,
}

# By status they are ordered as they come to it.
_PROGRESS = case({"unknown": 0, "pending": 1, "ready": 2}, value=logged_model.c.status, else_=3)
# A model without them is as one whose are empty: `model_type != 'agent'` finds it.
_OPTIONAL = frozenset({"model_type", "source_run"})


@dataclass(frozen=True, slots=True)
class DatasetMetric:
    """Metrics that were measured on a data set, of any digest when none is given."""

    name: str | None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """By what models are ordered: an attribute, or a metric, perhaps on one data set."""

    kind: str
    key: str
    largest_first: bool = False
    dataset: DatasetMetric | None = None


def chosen_models(
    experiments: Sequence[int],
    *,
    where: Sequence[Condition],
    datasets: Sequence[DatasetMetric],
    order_by: Sequence[ModelOrder],
) -> Select[Any]:
    """The statement that selects models in order."""
    on = or_(*(_measured_on(one) for one in datasets)) if datasets else None
    wanted = [logged_model.c.lifecycle == ACTIVE, logged_model.c.experiment.in_(list(experiments))]
    wanted += [_condition(one, on) for one in where]
    if on is not None and not any(one.kind == "metric" for one in where):
        wanted.append(_metric(on))
    chosen = select(logged_model).where(*wanted)
    terms: list[ColumnElement[Any]] = []
    for order in order_by:
        if order.kind == "metric":
            latest = _latest(order)
            chosen = chosen.outerjoin(latest, latest.c.model == logged_model.c.id)
            value: ColumnElement[Any] = latest.c.value
            terms.append(case((value < _NAN, 0), (value.is_not(None), 1), else_=2))
            terms.append((value.desc() if order.largest_first else value.asc()).nulls_last())
        else:
            terms.append(_directed(_ordering(order.key), largest_first=order.largest_first))
    named = {order.key for order in order_by if order.kind == "attribute"}
    if "created" not in named:
        terms.append(logged_model.c.created.desc())
    if "id" not in named:
        terms.append(logged_model.c.id.asc())
    return chosen.order_by(*terms)


def _ordering(key: str) -> ColumnElement[Any]:
    if key == "status":
        return _PROGRESS
    return func.coalesce(ATTRIBUTES[key], "") if key in _OPTIONAL else ATTRIBUTES[key]


def _directed(column: ColumnElement[Any], *, largest_first: bool) -> ColumnElement[Any]:
    return descending(column) if largest_first else ascending(column)


def _condition(given: Condition, on: ColumnElement[bool] | None) -> ColumnElement[bool]:
    compare = OPERATORS[given.operator]
    if given.kind == "attribute":
        if given.key not in ATTRIBUTES:
            raise BadInput(f"a logged model has no attribute {given.key!r}", expected=", ".join(ATTRIBUTES))
        column: ColumnElement[Any] = ATTRIBUTES[given.key]
        if given.key in _OPTIONAL and (given.operator != "=" or not given.value):
            column = func.coalesce(column, "")
        compared: ColumnElement[bool] = compare(column, given.value)
        return compared
    if given.kind == "metric":
        values = logged_model_metric.c
        here = and_(values.key == given.key, compare(values.value, given.value))
        if given.operator != "!=":
            here = and_(here, values.value < _NAN)
        return _metric(here if on is None else and_(here, on))
    pairs = (logged_model_parameter if given.kind == "parameter" else logged_model_tag).alias()
    same = and_(pairs.c.model == logged_model.c.id, pairs.c.key == given.key, compare(pairs.c.value, given.value))
    return select(literal(1)).select_from(pairs).where(same).correlate(logged_model).exists()


def _metric(here: ColumnElement[bool]) -> ColumnElement[bool]:
    same = and_(logged_model_metric.c.model == logged_model.c.id, here)
    return select(literal(1)).select_from(logged_model_metric).where(same).correlate(logged_model).exists()


def _measured_on(dataset: DatasetMetric) -> ColumnElement[bool]:
    values = logged_model_metric.c
    wanted: list[ColumnElement[bool]] = [literal(value=True)]
    if dataset.name is not None:
        wanted = [values.dataset_name == dataset.name]
    if dataset.digest is not None:
        wanted.append(values.dataset_digest == dataset.digest)
    return and_(*wanted)


def _latest(order: ModelOrder) -> Any:
    """The latest value of a metric of each model."""
    values = logged_model_metric.c
    rank = func.row_number().over(
        partition_by=values.model, order_by=(values.time.desc(), values.step.desc(), values.run.asc())
    )
    ranked = select(values.model, values.value, rank.label("rank")).where(values.key == order.key)
    if order.dataset is not None:
        ranked = ranked.where(_measured_on(order.dataset))
    inner = ranked.subquery()
    return select(inner.c.model, inner.c.value).where(inner.c.rank == 1).subquery()
