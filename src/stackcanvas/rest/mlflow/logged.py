"""Logged models."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from stackcanvas.errors import NotFound
from stackcanvas.experiments import Condition
from stackcanvas.experiments.filters import LISTS, NUMERIC, TEXT, Clause, Grammar
from stackcanvas.experiments.logged import DatasetMetric, LoggedModel, ModelOrder
from stackcanvas.rest.mlflow.answers import milliseconds, number, pairs, present
from stackcanvas.rest.mlflow.artifacts_uri import model_uri
from stackcanvas.rest.mlflow.errors import MlflowError, absent, invalid, missing
from stackcanvas.rest.mlflow.limits import number_of, numbers_of, time_conditions
from stackcanvas.rest.mlflow.messages import Message, Pair
from stackcanvas.rest.mlflow.paging import page
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.stack import Stack

_PREFIX = "LOGGED_MODEL_"
_STATUSES = {"PENDING": "pending", "READY": "ready", "UPLOAD_FAILED": "failed", "STATUS_UNSPECIFIED": "unknown"}
_TOLD = {ours: _PREFIX + theirs for theirs, ours in _STATUSES.items()}
_NUMBERED = ("unknown", "pending", "ready", "failed")
Status = Literal[
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    0,
    1,
    2,
    3,
]
_COLUMNS = {
    "model_id": "id",
    "name": "name",
    "model_type": "model_type",
    "source_run_id": "source_run",
    "run_id": "source_run",
    "status": "status",
    "experiment_id": "experiment",
    "artifact_uri": "address",
    "artifact_location": "address",
    "creation_timestamp": "created",
    "creation_timestamp_ms": "created",
    "creation_time": "created",
    "last_updated_timestamp": "updated",
    "last_updated_timestamp_ms": "updated",
}
_TIMES = frozenset(name for name, column in _COLUMNS.items() if column in {"created", "updated"})
_ANY = TEXT | LISTS
_GRAMMAR = Grammar(
    words={"attributes": "attribute", "metrics": "metric", "params": "parameter", "tags": "tag"},
    operators={"metric": NUMERIC, "parameter": _ANY, "tag": _ANY, "attribute": _ANY},
    texts=dict.fromkeys((name for name in _COLUMNS if name not in _TIMES), _ANY),
    numbers=_TIMES,
    bare=True,
    unread="Invalid filter string",
    unfit="Invalid comparison operator",
)
_MOST_AT_ONCE = 1_000
_NOT_IN_NAMES = tuple("/:.%\"'")


class Create(Message):
    """A new model."""

    needed: ClassVar[tuple[str, ...]] = ("experiment_id",)
    experiment_id: str = ""
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: list[Pair] = msgspec.field(default_factory=list)
    tags: list[Pair] = msgspec.field(default_factory=list)


class One(Message):
    """A model by its id."""

    model_id: str = ""
    allow_deleted: bool = False


class Finish(One):
    """Whether its files are there."""

    needed: ClassVar[tuple[str, ...]] = ("status",)
    status: Status | None = None


class Tags(One):
    """Tags to set."""

    tags: list[Pair] = msgspec.field(default_factory=list)


class Tag(One):
    """A tag to remove."""

    tag_key: str = ""


class Parameters(One):
    """Parameters to add."""

    params: list[Pair] = msgspec.field(default_factory=list)


class On(msgspec.Struct):
    """A data set that metrics were measured on."""

    dataset_name: str = ""
    dataset_digest: str = ""


class OrderBy(msgspec.Struct):
    """One of the fields to order by."""

    field_name: str = ""
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class Search(Message):
    """Which models."""

    needed: ClassVar[tuple[str, ...]] = ("experiment_ids",)
    experiment_ids: list[str] | None = None
    filter: str = ""
    datasets: list[On] = msgspec.field(default_factory=list)
    max_results: Annotated[int, msgspec.Meta(le=(1 << 31) - 1)] = 50
    order_by: list[OrderBy] = msgspec.field(default_factory=list)
    page_token: str = ""


def _create(stack: Stack, asked: Create) -> dict[str, Any]:
    if any(letter in asked.name for letter in _NOT_IN_NAMES):
        raise invalid(
            f"Invalid model name ({asked.name!r:.200}) provided. Model name must be a non-empty string and cannot "
            f"contain the following characters: {_NOT_IN_NAMES}"
        )
    number = number_of(asked.experiment_id)
    if number == 0:
        stack.experiments.catalog.get(0)  # is always there, even when nobody has asked for it yet
    try:
        made = stack.experiments.models.create(
            number,
            name=asked.name or None,
            model_type=asked.model_type or None,
            source_run=asked.source_run_id or None,
            parameters={one.key: one.value for one in asked.params},
            tags={one.key: one.value for one in asked.tags},
        )
    except NotFound:
        raise absent(f"No Experiment with id={asked.experiment_id} exists") from None
    return {"model": _model(made)}


def _get(stack: Stack, asked: One) -> dict[str, Any]:
    return {"model": _model(stack.experiments.models.get(asked.model_id, deleted=asked.allow_deleted))}


def _finish(stack: Stack, asked: Finish) -> dict[str, Any]:
    said = asked.status
    status = _NUMBERED[said] if isinstance(said, int) else _STATUSES[str(said).removeprefix(_PREFIX)]
    return {"model": _model(stack.experiments.models.finish(asked.model_id, status))}


def _delete(stack: Stack, asked: One) -> dict[str, Any]:
    stack.experiments.models.delete(asked.model_id)
    return {}


def _set_tags(stack: Stack, asked: Tags) -> dict[str, Any]:
    _check_keys(asked.tags, "tags")
    stack.experiments.models.set_tags(asked.model_id, {one.key: one.value for one in asked.tags})
    return {}


def _drop_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    try:
        stack.experiments.models.drop_tag(asked.model_id, asked.tag_key)
    except NotFound as error:
        if error.name != asked.tag_key:
            raise
        raise absent(f"No tag with key {asked.tag_key!r} found for model with ID {asked.model_id!r}.") from None
    return {}


def _add_parameters(stack: Stack, asked: Parameters) -> dict[str, Any]:
    _check_keys(asked.params, "params")
    stack.experiments.models.add_parameters(asked.model_id, {one.key: one.value for one in asked.params})
    return {}


def _search(stack: Stack, asked: Search) -> dict[str, Any]:
    if any(not one.dataset_name for one in asked.datasets):
        raise invalid("`dataset_name` in the `datasets` clause must be specified.")
    if asked.max_results < 0:
        raise invalid(f"Invalid value {asked.max_results} for parameter 'max_results' supplied")
    where = [one for clause in _GRAMMAR.parse(asked.filter) for one in _conditions(clause)]
    orders = [_order(one) for one in asked.order_by]
    experiments = numbers_of(asked.experiment_ids or ())
    datasets = [DatasetMetric(one.dataset_name, one.dataset_digest or None) for one in asked.datasets]

    def find(limit: int, offset: int) -> list[LoggedModel]:
        return stack.experiments.models.search(
            experiments=experiments, where=where, datasets=datasets, order_by=orders, limit=limit, offset=offset
        )

    size = min(asked.max_results or 100, _MOST_AT_ONCE)
    about = {
        "Experiment IDs in the page token do not match the requested ones": asked.experiment_ids,
        "Filter string in the page token does not match the requested one": asked.filter,
        "Order by in the page token does not match the requested one": msgspec.to_builtins(asked.order_by),
    }
    found, following = page(find, token=asked.page_token, size=size, about=about)
    return present(models=[_model(one) for one in found], next_page_token=following)


def _conditions(clause: Clause) -> list[Condition]:
    value: Any = clause.value
    if clause.entity != "attribute":
        return [Condition(clause.entity, clause.key, clause.operator, value)]
    if clause.key in _TIMES:
        return time_conditions(_COLUMNS[clause.key], clause.operator, value)
    if clause.key == "experiment_id":
        value = tuple(map(_number, value)) if isinstance(value, tuple) else _number(value)
    if clause.key == "status" and value is not None:
        value = tuple(map(_status, value)) if isinstance(value, tuple) else _status(value)
    return [Condition("attribute", _COLUMNS[clause.key], clause.operator, value)]


def _status(said: str) -> str:
    """A status to compare with, by its name or its number; in lower case it is none, as clients know them."""
    if said.isdecimal() and (number := _number(said)) in range(len(_NUMBERED)):
        return _NUMBERED[number]
    return _STATUSES.get(said.removeprefix(_PREFIX), said.lower())


def _number(text: str) -> int:
    """A number to compare with; what can be none of any experiment or status fits none."""
    try:
        return number_of(text)
    except MlflowError:
        return -1


def _order(given: OrderBy) -> ModelOrder:
    entity, dot, key = given.field_name.partition(".")
    on = DatasetMetric(given.dataset_name or None, given.dataset_digest or None)
    if not dot:
        if given.field_name not in _COLUMNS:
            raise invalid(f"Invalid order by field name: {given.field_name}", expected=", ".join(_COLUMNS))
        return ModelOrder("attribute", _COLUMNS[given.field_name], not given.ascending)
    if entity != "metrics":
        raise invalid(f"Invalid order by field name: {given.field_name}. Only metrics are supported.")
    return ModelOrder("metric", key, not given.ascending, on if given.dataset_name or given.dataset_digest else None)


def _check_keys(given: list[Pair], what: str) -> None:
    for index, one in enumerate(given):
        if not one.key:
            raise missing(f"{what}[{index}].key")


def _model(found: LoggedModel) -> dict[str, Any]:
    info = present(
        model_id=found.id,
        experiment_id=str(found.experiment_id),
        name=found.name,
        creation_timestamp_ms=milliseconds(found.created),
        last_updated_timestamp_ms=milliseconds(found.updated),
        artifact_uri=model_uri(found.experiment_id, found.id, found.artifact_location),
        status=_TOLD[found.status],
        model_type=found.model_type or "",
        source_run_id=found.source_run or "",
        status_message=found.status_message,
        tags=pairs(found.tags),
    )
    metrics = [
        present(
            key=one.point.key,
            value=number(one.point.value),
            timestamp=one.point.time_us // 1000,
            step=one.point.step,
            dataset_name=one.dataset_name,
            dataset_digest=one.dataset_digest,
            model_id=found.id,
            run_id=one.run,
        )
        for one in found.metrics
    ]
    return {"info": info, "data": present(params=pairs(found.parameters), metrics=metrics)}


ROUTES = (
    Route("POST", "logged-models", Create, _create),
    Route("POST", "logged-models/search", Search, _search, reads=True),
    Route("GET", "logged-models/{model_id}", One, _get),
    Route("PATCH", "logged-models/{model_id}", Finish, _finish),
    Route("DELETE", "logged-models/{model_id}", One, _delete),
    Route("PATCH", "logged-models/{model_id}/tags", Tags, _set_tags),
    Route("DELETE", "logged-models/{model_id}/tags/{tag_key}", Tag, _drop_tag),
    Route("POST", "logged-models/{model_id}/params", Parameters, _add_parameters),
)
