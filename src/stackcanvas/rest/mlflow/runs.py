"""Runs: created, changed, told and found."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from stackcanvas.errors import NotFound
from stackcanvas.experiments import Condition, Order
from stackcanvas.experiments.catalog import ACTIVE, DELETED
from stackcanvas.experiments.facts import RunFacts
from stackcanvas.experiments.filters import LISTS, NULLS, NUMERIC, TEXT, Clause, Grammar, Ordering
from stackcanvas.rest.mlflow import told
from stackcanvas.rest.mlflow.answers import present
from stackcanvas.rest.mlflow.errors import absent, invalid, missing
from stackcanvas.rest.mlflow.limits import (
    LONGEST_TAG,
    check_length,
    check_page,
    instant,
    number_of,
    numbers_of,
    time_conditions,
)
from stackcanvas.rest.mlflow.messages import Int64, Message, Pair
from stackcanvas.rest.mlflow.paging import page
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.rest.mlflow.views import View, lifecycle_of
from stackcanvas.stack import Stack

Status = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "1", "2", "3", "4", "5", 1, 2, 3, 4, 5]
_NUMBERED = ("running", "scheduled", "finished", "failed", "killed")
_MOST = 50_000
_ALIASES = {"created": "start_time", "Created": "start_time"}
_NAMES = dict.fromkeys(("run name", "Run name", "Run Name"), "run_name")
_GRAMMAR = Grammar(
    operators={
        "metric": NUMERIC,
        "parameter": TEXT | NULLS,
        "tag": TEXT | NULLS,
        "attribute": TEXT,
        "dataset": TEXT | LISTS,
    },
    texts={
        "run_id": TEXT | LISTS,
        "run_name": TEXT,
        "status": TEXT,
        "user_id": TEXT,
        "artifact_uri": TEXT,
    },
    numbers=frozenset({"start_time", "end_time"}),
    aliases=_ALIASES | _NAMES,
    datasets=frozenset({"name", "digest", "context"}),
)
_NAMED = {("tag", told.RUN_NAME), ("attribute", "run_name")}
_COLUMNS = {
    "run_id": "id",
    "run_name": "name",
    "status": "status",
    "user_id": "actor",
    "artifact_uri": "address",
    "start_time": "started",
    "end_time": "ended",
}


class Run(Message):
    """A run by its id; old clients call it `run_uuid`."""

    needed: ClassVar[tuple[str, ...]] = ("run_id",)
    run_id: str = ""
    run_uuid: str = ""

    def __post_init__(self) -> None:
        """Take the old name."""
        self.run_id = self.run_id or self.run_uuid


class Create(Message):
    """A new run."""

    experiment_id: str = ""
    user_id: str = ""
    run_name: str = ""
    start_time: Int64 | None = None
    tags: list[Pair] = msgspec.field(default_factory=list)


class Update(Run):
    """What changes of a run."""

    status: Status | None = None
    end_time: Int64 | None = None
    run_name: str = ""


class Search(Message):
    """Which runs."""

    experiment_ids: list[str] = msgspec.field(default_factory=list)
    filter: str = ""
    run_view_type: View = "ACTIVE_ONLY"
    max_results: Annotated[int, msgspec.Meta(le=(1 << 31) - 1)] = 1_000
    order_by: list[str] = msgspec.field(default_factory=list)
    page_token: str = ""


def _create(stack: Stack, asked: Create) -> dict[str, Any]:
    return {"run": told.run(begin(stack, asked))}


def begin(stack: Stack, asked: Create) -> RunFacts:
    """Record a run that begins.

    Raises:
        MlflowError: it cannot be as it is asked for.
    """
    tags: dict[str, str] = {}
    for index, one in enumerate(asked.tags):
        if not one.key:
            raise missing(f"tags[{index}].key")
        check_length(one.key, f"tags[{index}].key")  # tags that a run begins with may be called anything
        tags[one.key] = one.value[:LONGEST_TAG]
    tagged = tags.pop(told.RUN_NAME, "")
    if asked.run_name and tagged and asked.run_name != tagged:
        raise invalid(
            f"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{asked.run_name}', mlflow.runName='{tagged}')."
        )
    started = None if asked.start_time is None else instant(asked.start_time, "start_time")
    number = number_of(asked.experiment_id)
    facts: dict[str, Any] = {"user": asked.user_id, "name": asked.run_name or tagged, "started": started, "tags": tags}
    try:
        return stack.experiments.tracking.create(number, **facts)
    except NotFound:
        if number != 0:
            raise absent(f"No Experiment with id={asked.experiment_id} exists") from None
        stack.experiments.catalog.get(0)  # is always there, even when nobody has asked for it yet
        return stack.experiments.tracking.create(number, **facts)


def _update(stack: Stack, asked: Update) -> dict[str, Any]:
    said = None if asked.status is None else str(asked.status).lower()
    status = _NUMBERED[int(said) - 1] if said and said.isdigit() else said
    ended = None if asked.end_time is None else instant(asked.end_time, "end_time")
    changed = stack.experiments.tracking.change(asked.run_id, status=status, ended=ended, name=asked.run_name or None)
    return {"run_info": told.run_info(changed)}


def _get(stack: Stack, asked: Run) -> dict[str, Any]:
    return {"run": told.run(stack.experiments.tracking.get(asked.run_id))}


def _delete(stack: Stack, asked: Run) -> dict[str, Any]:
    stack.experiments.tracking.mark(asked.run_id, DELETED)
    return {}


def _restore(stack: Stack, asked: Run) -> dict[str, Any]:
    stack.experiments.tracking.mark(asked.run_id, ACTIVE)
    return {}


def _search(stack: Stack, asked: Search) -> dict[str, Any]:
    check_page(asked.max_results, _MOST)
    experiments = numbers_of(asked.experiment_ids)
    where = [one for clause in _GRAMMAR.parse(asked.filter) for one in _conditions(clause)]
    given = [_GRAMMAR.order(text) for text in asked.order_by]
    if len({(one.entity, one.key) for one in given}) < len(given):
        raise invalid(f"`order_by` contains duplicate fields: {asked.order_by}")
    orders = [_order(one) for one in given]
    lifecycle = lifecycle_of(asked.run_view_type)
    tracking = stack.experiments.tracking

    def find(limit: int, offset: int) -> list[RunFacts]:
        return tracking.find(experiments, where=where, order_by=orders, limit=limit, offset=offset, lifecycle=lifecycle)

    found, following = page(find, token=asked.page_token, size=asked.max_results)
    return present(runs=[told.run(one) for one in found], next_page_token=following)


def _conditions(clause: Clause) -> list[Condition]:
    kind, key, value = clause.entity, clause.key, clause.value
    if (kind, key) in _NAMED:  # clients' own server looks for either in the tag
        return [Condition("attribute", "told_name", clause.operator, value)]
    if kind != "attribute":
        return [Condition(kind, key, clause.operator, value)]
    if isinstance(value, int | float):
        return time_conditions(_COLUMNS[key], clause.operator, value)
    if key == "status" and isinstance(value, str):
        # Statuses are kept in lower case and told in upper case: any other spelling fits nothing.
        value = value.lower() if value == value.upper() or clause.operator == "ILIKE" else f"\1{value}"
    return [Condition("attribute", _COLUMNS[key], clause.operator, value)]


def _order(given: Ordering) -> Order:
    if given.entity == "dataset":
        raise invalid("Runs cannot be ordered by a data set")
    if given.entity == "tag" and given.key == told.RUN_NAME:
        return Order("attribute", "told_name", given.largest_first)
    key = _COLUMNS[given.key] if given.entity == "attribute" else given.key
    return Order(given.entity, key, given.largest_first)


ROUTES = (
    Route("POST", "runs/create", Create, _create),
    Route("POST", "runs/update", Update, _update),
    Route("GET", "runs/get", Run, _get),
    Route("POST", "runs/delete", Run, _delete),
    Route("POST", "runs/restore", Run, _restore),
    Route("POST", "runs/search", Search, _search, reads=True),
)
