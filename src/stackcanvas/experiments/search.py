"""Finding runs: conditions on what was recorded, an order, and the first of them.

Ordering by a metric walks the index of latest values: the best hundred of many thousand runs cost a hundred look-ups.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy import Text as PlainText

from stackcanvas.backends.database import ascending, descending
from stackcanvas.errors import BadInput, nearest
from stackcanvas.experiments import runs
from stackcanvas.experiments.metrics import latest_of
from stackcanvas.experiments.places import SERVED, own_run_place
from stackcanvas.experiments.tables import (
    experiment,
    run,
    run_dataset,
    run_input,
    run_metric_latest,
    run_parameter,
    run_tag,
)
from stackcanvas.metadata import Spine

_NAN = float("nan")


def address(table: Table, own: str, *between: str) -> ColumnElement[Any]:
    """Where clients are told that files lie: the server's address for the stack's own place.

    Args:
        own: the stack's own place of one, as it is made for the id `{}`.
        between: what stands in the address between the number of the experiment and the id.
    """
    before, after = own.split("{}")
    held = literal(before).concat(table.c.id).concat(after)
    number = cast(table.c.experiment, PlainText)
    middle = "/".join(("", *between, ""))
    told = literal(f"{SERVED}/").concat(number).concat(middle).concat(table.c.id).concat("/artifacts")
    return case((table.c.artifact_location == held, told), else_=table.c.artifact_location)


_untold = (
    select(literal(1))
    .select_from(run_tag)
    .where(run_tag.c.run == run.c.id, run_tag.c.key == runs.NAME_UNTOLD)
    .correlate(run)
    .exists()
)
_ATTRIBUTES: dict[str, ColumnElement[Any]] = {
    "id": run.c.id,
    "name": run.c.name,
    "status": run.c.status,
    "started": run.c.started,
    "ended": run.c.ended,
    "actor": run.c.actor,
    "commit": run.c.code_commit,
    "artifact_location": run.c.artifact_location,
    "address": address(run, own_run_place("{}")),
    "told_name": case((_untold, None), else_=run.c.name),
    "experiment": run.c.experiment,
}
_KINDS: dict[str, Table | None] = {"metric": run_metric_latest, "parameter": run_parameter, "tag": run_tag}
T = TypeVar("T")
IS_NULL, IS_NOT_NULL = "IS NULL", "IS NOT NULL"
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "LIKE": lambda column, value: column.like(value),
    "ILIKE": lambda column, value: column.ilike(value),
    "IN": lambda column, value: column.in_(list(value)),
    "NOT IN": lambda column, value: column.not_in(list(value)),
    "OUTSIDE": lambda column, value: or_(column < value[0], column >= value[1]),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a run must fulfil.

    Args:
        kind: metric, parameter, tag, dataset or attribute.
        key: the name of the metric, parameter or tag; for a dataset `name`, `digest` or `context`; for an attribute
            id, name, status, started, ended, actor, commit, artifact_location, address (where clients are told that the
            files lie), told_name (none of a run whose name is told as a tag no more) or experiment (its number).
        operator: one of = != > >= < <= LIKE ILIKE IN, NOT IN, OUTSIDE; also IS NULL and IS NOT NULL, but of no metric
            and no dataset.
        value: to compare with; a list for IN and NOT IN; for OUTSIDE the first value that is not, and the next that is.
    """

    kind: str
    key: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Order:
    """By what runs are ordered.

    Args:
        kind: metric, parameter, tag or attribute.
        largest_first: turns the order around; runs without a value come last either way.
    """

    kind: str
    key: str
    largest_first: bool = False


NEWEST = Order("attribute", "started", largest_first=True)
LAST = Order("attribute", "id", largest_first=True)


class Search:
    """Finds runs."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def find(
        self,
        *,
        experiments: Sequence[int] | None = None,
        where: Sequence[Condition] = (),
        order_by: Sequence[Order] = (NEWEST,),
        ties: Sequence[Order] = (NEWEST, LAST),
        limit: int = 100,
        offset: int = 0,
        lifecycle: str | None = runs.ACTIVE,
    ) -> list[runs.RunInfo]:
        """The runs that fulfil every condition, in order, with all that is known of them.

        Args:
            experiments: of these; None for all.
            ties: by what runs are ordered that are the same in all of `order_by`.
            lifecycle: `active` or `deleted`; None for both.
        """
        return self.find_as(
            _complete,
            experiments=experiments,
            where=where,
            order_by=order_by,
            ties=ties,
            limit=limit,
            offset=offset,
            lifecycle=lifecycle,
        )

    def find_as(
        self,
        complete: Callable[[Connection, Sequence[Row[Any]]], list[T]],
        *,
        experiments: Sequence[int] | None,
        where: Sequence[Condition],
        order_by: Sequence[Order],
        ties: Sequence[Order],
        limit: int,
        offset: int,
        lifecycle: str | None,
    ) -> list[T]:
        """As `find`, with what a function makes of the rows: for those who show many and need little."""
        wanted = [self._condition(one) for one in where]
        if experiments is not None:
            wanted.append(_one_of(run.c.experiment, experiments))
        if lifecycle is not None:
            wanted.append(run.c.lifecycle == lifecycle)
        orders = list(order_by) or [NEWEST]
        last = [tie for tie in ties if all((tie.kind, tie.key) != (one.kind, one.key) for one in orders)]
        with self._spine.read() as connection:
            rows: Sequence[Row[Any]] | None = None
            if len(orders) == 1 and orders[0].kind == "metric":
                walked = _by_index(orders[0], last, wanted, experiments)
                rows = connection.execute(walked.limit(limit).offset(offset)).all()
                if len(rows) < limit:  # the page reaches runs that have no number there
                    rows = None
            if rows is None:
                rows = connection.execute(_by_sorting([*orders, *last], wanted).limit(limit).offset(offset)).all()
            return complete(connection, rows)

    def count(self, *, experiments: Sequence[int] | None = None, where: Sequence[Condition] = ()) -> int:
        """How many active runs fulfil every condition."""
        wanted = [run.c.lifecycle == runs.ACTIVE, *(self._condition(one) for one in where)]
        if experiments is not None:
            wanted.append(_one_of(run.c.experiment, experiments))
        with self._spine.read() as connection:
            return int(connection.execute(select(func.count()).select_from(run).where(*wanted)).scalar_one())

    def _condition(self, given: Condition) -> ColumnElement[bool]:
        if given.operator in {IS_NULL, IS_NOT_NULL}:
            return _given(given)
        if given.operator not in OPERATORS:
            raise BadInput(f"{given.operator!r} is no operator", expected=", ".join(OPERATORS))
        compare = OPERATORS[given.operator]
        if given.kind == "attribute":
            compared: ColumnElement[bool] = compare(_attribute(given.key), given.value)
            return compared
        if given.kind == "dataset":
            return _dataset(given, compare, self._spine.database.dialect)
        pairs = _pairs_table(given.kind).alias()
        here = and_(pairs.c.run == run.c.id, pairs.c.key == given.key, compare(pairs.c.value, given.value))
        if given.kind == "metric" and given.operator != "!=":
            here = and_(here, pairs.c.value < _NAN)  # it stands above every number, and is none
        return select(literal(1)).select_from(pairs).where(here).correlate(run).exists()


def _given(given: Condition) -> ColumnElement[bool]:
    """Whether a run has a parameter, a tag or an attribute at all."""
    if given.kind == "attribute":
        column = _attribute(given.key)
        return column.is_not(None) if given.operator == IS_NOT_NULL else column.is_(None)
    if given.kind not in {"parameter", "tag"}:
        raise BadInput(f"{given.operator} does not fit a {given.kind}", expected="a parameter, a tag or an attribute")
    pairs = _pairs_table(given.kind).alias()
    here = and_(pairs.c.run == run.c.id, pairs.c.key == given.key)
    there = select(literal(1)).select_from(pairs).where(here).correlate(run).exists()
    return there if given.operator == IS_NOT_NULL else ~there


def _dataset(given: Condition, compare: Callable[[Any, Any], Any], dialect: str) -> ColumnElement[bool]:
    if given.key not in {"name", "digest", "context"}:
        raise BadInput(f"a data set has no {given.key!r} to search by", expected="name, digest or context")
    if given.key == "context":
        compared = compare(_context(dialect), given.value)
    else:
        compared = compare(run_dataset.c[given.key], given.value)
    both = run_input.join(run_dataset, run_input.c.dataset == run_dataset.c.id)
    here = and_(run_input.c.run == run.c.id, compared)
    return select(literal(1)).select_from(both).where(here).correlate(run).exists()


def _context(dialect: str) -> ColumnElement[Any]:
    """What the run read the data for, out of the tags of the input."""
    tags = type_coerce(run_input.c.tags, PlainText)
    if dialect == "sqlite":
        return func.json_extract(tags, "$.context", type_=PlainText)
    return func.json_extract_path_text(cast(tags, JSON), "context", type_=PlainText)


def _by_index(
    order: Order, ties: Sequence[Order], wanted: Sequence[ColumnElement[bool]], experiments: Sequence[int] | None
) -> Select[Any]:
    """Walk the index of latest values, over the runs that have a number there."""
    latest = run_metric_latest.c
    chosen = _select().join(run_metric_latest, latest.run == run.c.id).where(latest.key == order.key, *wanted)
    if experiments is None:
        # The index begins with the experiment: it is walked in each of them.
        chosen = chosen.where(latest.experiment.in_(select(experiment.c.id).scalar_subquery()))
    else:
        chosen = chosen.where(_one_of(latest.experiment, experiments))
    value = latest.value.desc() if order.largest_first else latest.value.asc()
    return chosen.where(latest.value < _NAN).order_by(value, *(_directed(tie, _attribute(tie.key)) for tie in ties))


def _directed(order: Order, column: ColumnElement[Any]) -> ColumnElement[Any]:
    return descending(column) if order.largest_first else ascending(column)


def _one_of(column: Column[Any], values: Sequence[int]) -> ColumnElement[bool]:
    # With one value, the index gives the rows in order.
    return column == values[0] if len(values) == 1 else column.in_(list(values))


def _by_sorting(orders: Sequence[Order], wanted: Sequence[ColumnElement[bool]]) -> Select[Any]:
    chosen = _select().where(*wanted)
    terms: list[ColumnElement[Any]] = []
    for order in orders:
        if order.kind == "attribute":
            column: Any = _attribute(order.key)
        else:
            pairs = _pairs_table(order.kind).alias()
            chosen = chosen.outerjoin(pairs, and_(pairs.c.run == run.c.id, pairs.c.key == order.key))
            column = pairs.c.value
        if order.kind == "metric":
            terms.append(case((column < _NAN, 0), (column.is_not(None), 1), else_=2))
        # Of another table the value may be missing, whatever its column says.
        directed = _directed(order, column)
        terms.append(directed if order.kind == "attribute" else directed.nulls_last())
    return chosen.order_by(*terms)


def _select() -> Select[Any]:
    return select(run, experiment.c.name.label("experiment_name")).join(experiment, experiment.c.id == run.c.experiment)


def _complete(connection: Connection, rows: Sequence[Row[Any]]) -> list[runs.RunInfo]:
    ids = [row.id for row in rows]
    parameters, tags = runs.parameters_of(connection, ids), runs.tags_of(connection, ids)
    metrics, inputs = latest_of(connection, ids), runs.inputs_of(connection, ids)
    return [
        runs.info(row, parameters=parameters[row.id], metrics=metrics[row.id], tags=tags[row.id], inputs=inputs[row.id])
        for row in rows
    ]


def _attribute(name: str) -> ColumnElement[Any]:
    if name not in _ATTRIBUTES:
        near = nearest(name, _ATTRIBUTES)
        fix = f"Did you mean {near!r}?" if near else None
        raise BadInput(f"a run has no attribute {name!r}", expected=", ".join(_ATTRIBUTES), fix=fix)
    return _ATTRIBUTES[name]


def _pairs_table(kind: str) -> Table:
    table = _KINDS.get(kind)
    if table is None:
        known = (*_KINDS, "dataset", "attribute")
        near = nearest(kind, known)
        fix = f"Did you mean {near!r}?" if near else None
        raise BadInput(f"runs have no {kind!r}", expected=", ".join(known), fix=fix)
    return table
