"""Experiments."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from stackcanvas.errors import Conflict, NotFound
from stackcanvas.experiments import Condition, Experiment, Order
from stackcanvas.experiments.catalog import ACTIVE, DELETED
from stackcanvas.experiments.filters import CATALOG_WORDS, LISTS, NULLS, TEXT, Clause, Grammar
from stackcanvas.rest.mlflow import told
from stackcanvas.rest.mlflow.answers import present
from stackcanvas.rest.mlflow.errors import MlflowError, absent, invalid, taken
from stackcanvas.rest.mlflow.limits import (
    LONGEST_EXPERIMENT_TAG,
    check_experiment_name,
    check_key,
    check_location,
    check_page,
    number_of,
    time_conditions,
)
from stackcanvas.rest.mlflow.messages import Int64, Message, Pair
from stackcanvas.rest.mlflow.paging import page
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.rest.mlflow.views import View, lifecycle_of
from stackcanvas.stack import Stack

_MOST = 50_000
_GRAMMAR = Grammar(
    words=CATALOG_WORDS,
    operators={"attribute": TEXT, "tag": TEXT | NULLS},
    texts={"name": TEXT, "experiment_id": frozenset({"=", "!="}) | LISTS},
    numbers=frozenset({"creation_time", "last_update_time"}),
)
_COLUMNS = {"name": "name", "experiment_id": "id", "creation_time": "created", "last_update_time": "updated"}


class Create(Message):
    """A new experiment."""

    needed: ClassVar[tuple[str, ...]] = ("name",)
    name: str = ""
    artifact_location: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)


class One(Message):
    """An experiment by its id."""

    needed: ClassVar[tuple[str, ...]] = ("experiment_id",)
    experiment_id: str = ""


class Named(Message):
    """An experiment by its name."""

    needed: ClassVar[tuple[str, ...]] = ("experiment_name",)
    experiment_name: str = ""


class Rename(One):
    """Another name."""

    needed: ClassVar[tuple[str, ...]] = ("experiment_id", "new_name")
    new_name: str = ""


class Tag(One):
    """A tag, with a value where it is set."""

    needed: ClassVar[tuple[str, ...]] = ("experiment_id", "key")
    key: str = ""
    value: str = ""


class Search(Message):
    """Which experiments."""

    max_results: Int64 = 0
    page_token: str = ""
    filter: str = ""
    order_by: list[str] = msgspec.field(default_factory=list)
    view_type: View = "ACTIVE_ONLY"


def _create(stack: Stack, asked: Create) -> dict[str, Any]:
    check_experiment_name(asked.name)
    for one in asked.tags:
        _check_tag(one.key, one.value)
    location = asked.artifact_location or None
    check_location(location or "")
    tags = {one.key: one.value for one in asked.tags}
    try:
        number = stack.experiments.catalog.create(asked.name, artifact_location=location, tags=tags)
    except Conflict:
        raise taken(f"Experiment(name={asked.name}) already exists.") from None
    return {"experiment_id": str(number)}


def _get(stack: Stack, asked: One) -> dict[str, Any]:
    return {"experiment": told.experiment(_found(stack, asked.experiment_id))}


def _get_by_name(stack: Stack, asked: Named) -> dict[str, Any]:
    try:
        return {"experiment": told.experiment(stack.experiments.catalog.get(asked.experiment_name))}
    except NotFound:
        raise absent(f"Could not find experiment with name '{asked.experiment_name}'") from None


def _rename(stack: Stack, asked: Rename) -> dict[str, Any]:
    check_experiment_name(asked.new_name)
    found = _found(stack, asked.experiment_id)
    if found.lifecycle != ACTIVE:
        raise MlflowError("INVALID_STATE", "Cannot rename a non-active experiment")
    try:
        stack.experiments.catalog.change(found.id, name=asked.new_name)
    except Conflict:
        raise taken(f"Experiment(name={asked.new_name}) already exists.") from None
    return {}


def _delete(stack: Stack, asked: One) -> dict[str, Any]:
    stack.experiments.catalog.change(_found(stack, asked.experiment_id, lifecycle=ACTIVE).id, lifecycle=DELETED)
    return {}


def _restore(stack: Stack, asked: One) -> dict[str, Any]:
    stack.experiments.catalog.change(_found(stack, asked.experiment_id, lifecycle=DELETED).id, lifecycle=ACTIVE)
    return {}


def _set_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    _check_tag(asked.key, asked.value)
    stack.experiments.catalog.tag(_living(stack, asked.experiment_id).id, asked.key, asked.value)
    return {}


def _drop_tag(stack: Stack, asked: Tag) -> dict[str, Any]:
    found = _living(stack, asked.experiment_id)
    if asked.key not in found.tags:
        raise absent(f"No tag with name: {asked.key} in experiment with id {asked.experiment_id}")
    stack.experiments.catalog.tag(found.id, asked.key, None)
    return {}


def _search(stack: Stack, asked: Search) -> dict[str, Any]:
    check_page(asked.max_results, _MOST)
    where = [one for clause in _GRAMMAR.parse(asked.filter) for one in _conditions(clause)]
    order = [_GRAMMAR.order(text) for text in asked.order_by]
    if any(one.entity != "attribute" for one in order):
        raise invalid(f"Invalid order_by entity: {order[0].entity}", expected=", ".join(_COLUMNS))
    orders = [Order("attribute", _COLUMNS[one.key], one.largest_first) for one in order]
    catalog = stack.experiments.catalog

    def find(limit: int, offset: int) -> list[Experiment]:
        return catalog.search(
            where=where, order_by=orders, limit=limit, offset=offset, lifecycle=lifecycle_of(asked.view_type)
        )

    found, following = page(find, token=asked.page_token, size=asked.max_results)
    return present(experiments=[told.experiment(one) for one in found], next_page_token=following)


def _conditions(clause: Clause) -> list[Condition]:
    if clause.entity == "tag":
        return [Condition("tag", clause.key, clause.operator, clause.value)]
    value: Any = clause.value
    if clause.key == "experiment_id":
        value = tuple(map(number_of, value)) if isinstance(value, tuple) else number_of(str(value))
    elif clause.key in _GRAMMAR.numbers:
        if not isinstance(value, int):
            raise invalid(f"Invalid value for numeric attribute '{clause.key}': {value!r}")
        return time_conditions(_COLUMNS[clause.key], clause.operator, value)
    return [Condition("attribute", _COLUMNS[clause.key], clause.operator, value)]


def _found(stack: Stack, experiment_id: str, *, lifecycle: str | None = None) -> Experiment:
    try:
        found = stack.experiments.catalog.get(number_of(experiment_id))
    except NotFound:
        raise absent(f"No Experiment with id={experiment_id} exists") from None
    if lifecycle is not None and found.lifecycle != lifecycle:
        raise absent(f"No Experiment with id={experiment_id} exists")
    return found


def _living(stack: Stack, experiment_id: str) -> Experiment:
    found = _found(stack, experiment_id)
    if found.lifecycle != ACTIVE:
        raise invalid(
            f"The experiment {experiment_id} must be in the 'active' state. Current state is {found.lifecycle}."
        )
    return found


def _check_tag(key: str, value: str) -> None:
    check_key(key, "key")
    if len(value) > LONGEST_EXPERIMENT_TAG:
        raise invalid(f"'value' exceeds the maximum length of {LONGEST_EXPERIMENT_TAG} characters")


ROUTES = (
    Route("POST", "experiments/create", Create, _create),
    Route("GET", "experiments/get", One, _get),
    Route("GET", "experiments/get-by-name", Named, _get_by_name),
    Route("POST", "experiments/update", Rename, _rename),
    Route("POST", "experiments/delete", One, _delete),
    Route("POST", "experiments/restore", One, _restore),
    Route("POST", "experiments/set-experiment-tag", Tag, _set_tag),
    Route("POST", "experiments/delete-experiment-tag", Tag, _drop_tag),
    Route("POST", "experiments/search", Search, _search, reads=True),
    Route("GET", "experiments/search", Search, _search),
)
