"""Metrics: every value that was logged, and beside them the latest of each key."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Select,
    Table,
    desc,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import Insert

from stackcanvas.backends.database import Database, OfMany, Ready
from stackcanvas.backends.database.types import Integer, Text
from stackcanvas.clock import from_us, to_us
from stackcanvas.experiments.tables import run_metric, run_metric_latest
from stackcanvas.metadata import Spine


class Point(NamedTuple):
    """One value as it is logged; a tuple, because there are many."""

    key: str
    step: int
    time: datetime
    value: float


class Raw(NamedTuple):
    """A value as the database holds it, for those who write or read many: its time is microseconds since 1970."""

    key: str
    step: int
    time_us: int
    value: float


Told = tuple[int, int, float]
"""Step, time in microseconds and value as the driver gives them to those who read many: NaN may be the word."""


@dataclass(slots=True, unsafe_hash=True)
class Metric:
    """A value of a run's metric; not to be changed, and not frozen, which would take three times as long to make.

    Args:
        value: a real number; NaN and the infinities are kept.
        step: counts within the run.
    """

    key: str
    value: float
    step: int
    time: datetime


class Metrics:
    """Writes and reads metrics."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine
        add = spine.database.insert(run_metric).on_conflict_do_nothing()
        self._add = Ready(add, run_metric.c.keys(), checked=False)
        self._raise = Ready(_raise_latest(spine.database), run_metric_latest.c.keys(), checked=False)

    def add(self, tx: Connection, run_id: str, points: Sequence[Point], *, experiment: int) -> None:
        """Append values inside the caller's transaction; what is there already is not added again."""
        for key in {one.key for one in points}:
            _KEY.process_bind_param(key, tx.dialect)
        for step in {one.step for one in points}:
            _STEP.process_bind_param(step, tx.dialect)
        raw = [Raw(key, step, to_us(time), float(value)) for key, step, time, value in points]
        self.add_raw(tx, run_id, raw, experiment=experiment)

    def add_raw(self, tx: Connection, run_id: str, points: Sequence[Raw], *, experiment: int) -> None:
        """As `add`, of values that fit the database already."""
        if points:
            name = _storable if tx.dialect.name == "sqlite" else float
            rows = [(run_id, key, step, time_us, name(value)) for key, step, time_us, value in points]
            self._add.run_plain(tx, rows)
            latest = [(run_id, one.key, experiment, one.step, one.time_us, name(one.value)) for one in _latest(points)]
            self._raise.run_plain(tx, latest)

    def history(
        self, run_id: str, key: str, *, limit: int | None = None, after: tuple[int, datetime] | None = None
    ) -> list[Metric]:
        """The values of a metric by step and time.

        Args:
            after: only values later than this step and time, for reading in pages.
        """
        chosen = select(*_plain(run_metric)).where(run_metric.c.run == run_id, run_metric.c.key == key)
        if after is not None:
            chosen = chosen.where(tuple_(run_metric.c.step, run_metric.c.time) > after)
        ordered = chosen.order_by(run_metric.c.step, run_metric.c.time, run_metric.c.value).limit(limit)
        with self._spine.read() as connection:
            # Column by column; the rows are gone before the records are made, which else would be two of each.
            values, steps, times = _columns(plain_rows(connection, ordered), 3)
        return list(map(Metric, repeat(key), map(float, values), steps, map(from_us, times)))

    def outline(self, run_id: str, key: str, *, most: int) -> list[Metric]:
        """What it takes to draw a metric: of very many values the lowest and the highest of those that lie together.

        Args:
            most: how many values are too few to leave any out.
        """
        metric = run_metric.c
        mine = (metric.run == run_id) & (metric.key == key)
        with self._spine.read() as connection:
            count = connection.execute(select(func.count()).select_from(run_metric).where(mine)).scalar_one()
            if count <= most:
                rows = plain_rows(connection, _points(run_id, key).order_by(metric.step, metric.time, metric.value))
                return [Metric(key, float(value), step, from_us(time)) for step, time, value in rows]
            rows = plain_rows(connection, _stretches(mine, size=-(-count // (most // 2))))
            ends = plain_rows(connection, _points(run_id, key).order_by(*map(desc, _ORDER)).limit(1))
        lowest = [(step, time, low) for step, time, low, _ in rows]
        highest = [(step, time, high) for step, time, _, high in rows]
        drawn = [point for both in zip(lowest, highest, strict=True) for point in both] + ends
        return [Metric(key, float(value), step, from_us(time)) for step, time, value in drawn]


def _columns(rows: Sequence[tuple[Any, ...]], number: int) -> Sequence[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) or [()] * number


def plain_rows(connection: Connection, chosen: Select[Any]) -> list[tuple[Any, ...]]:
    """Rows as the driver gives them, at a third of what it takes to make more of them."""
    with connection.execute(chosen) as result:
        return list(result.cursor.fetchall())


def raw_history(
    connection: Connection, run_id: str, key: str, *, limit: int | None = None, offset: int = 0
) -> list[Told]:
    """The values of a metric by time, step and value: the order in which they were logged."""
    metric = run_metric.c
    chosen = _points(run_id, key)
    if limit is None and not offset:
        # They lie by step, time and value, which mostly is their order by time already: a sort that keeps what is equal
        # in its place has next to nothing to do, and the database would sort all of it.
        rows = plain_rows(connection, chosen.order_by(metric.step, metric.time, metric.value))
        rows.sort(key=itemgetter(1))
    else:
        by_time = chosen.order_by(metric.time, metric.step, metric.value)
        rows = plain_rows(connection, by_time.limit(limit).offset(offset))
    return rows


def sampled_history(
    connection: Connection, run_id: str, key: str, *, most: int, steps: tuple[int, int] | None = None
) -> list[Told]:
    """So many values of a metric at most, evenly chosen, the first and the last among them.

    Args:
        steps: the first and the last step that count.
    """
    metric = run_metric.c
    chosen = _points(run_id, key)
    if steps is not None:
        chosen = chosen.where(metric.step.between(*steps))
    rows = plain_rows(connection, chosen.order_by(metric.step, metric.time, metric.value))
    return [rows[at] for at in _evenly(len(rows), most)]


_ORDER = (run_metric.c.step, run_metric.c.time, run_metric.c.value)


def _stretches(mine: ColumnElement[bool], *, size: int) -> Select[Any]:
    """Of so many values each, one after the other: where they begin, the lowest and the highest that can be drawn."""
    metric = run_metric.c
    part = ((func.row_number().over(order_by=_ORDER) - 1) // size).label("part")
    finite = metric.value.between(-sys.float_info.max, sys.float_info.max)
    found = select(*_plain(run_metric), part).where(mine, finite).subquery().c
    ends = select(func.min(found.step), func.min(found.time), func.min(found.value), func.max(found.value))
    return ends.group_by(found.part).order_by(found.part)


def _points(run_id: str, key: str) -> Select[Any]:
    metric = run_metric.c
    return select(metric.step, metric.time, metric.value).where(metric.run == run_id, metric.key == key)


def _evenly(length: int, most: int) -> list[int]:
    """The first place of each of so many equal parts, the larger parts first, and the last place of all.

    Example:
        >>> _evenly(3, 5), _evenly(10, 4), _evenly(9, 1)
        ([0, 1, 2], [0, 3, 6, 9], [8])
    """
    if length <= most:
        return list(range(length))
    size, larger = divmod(length, most)
    places = [part * size + min(part, larger) for part in range(most)]
    return places if places[-1] == length - 1 else [*places[:-1], length - 1]


# They refuse what one of the databases cannot keep; the statements below go past them.
_KEY, _STEP = Text(), Integer()


def _storable(value: float) -> float | str:
    """SQLite has no NaN; the column type keeps it as this word. Minus zero is zero."""
    return value + 0.0 if value == value else "NaN"  # noqa: PLR0124 - only NaN differs from itself


def latest_of(connection: Connection, run_ids: Collection[str]) -> dict[str, dict[str, Metric]]:
    """The latest value of each metric of each run."""
    found: dict[str, dict[str, Metric]] = {run_id: {} for run_id in run_ids}
    for run_id, key, value, step, time_us in LATEST_OF.all(connection, run_ids):
        found[run_id][key] = Metric(key, float(value), step, from_us(time_us))
    return found


def _plain(table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """Value, step and time as the driver gives them: converting them here costs a third of what the types take."""
    value, time = type_coerce(table.c.value, Double), type_coerce(table.c.time, BigInteger)
    return value, type_coerce(table.c.step, BigInteger), time


LATEST_OF = OfMany(
    select(run_metric_latest.c.run, run_metric_latest.c.key, *_plain(run_metric_latest)).order_by(
        run_metric_latest.c.run, run_metric_latest.c.key
    ),
    run_metric_latest.c.run,
)


def _raise_latest(database: Database) -> Insert:
    """Take a value as the latest, unless the one that is there is later."""
    new = database.insert(run_metric_latest)
    latest, kept = run_metric_latest.c, new.excluded
    return new.on_conflict_do_update(
        index_elements=[latest.run, latest.key],
        set_={"step": kept.step, "time": kept.time, "value": kept.value},
        where=or_(
            kept.step > latest.step,
            (kept.step == latest.step) & (kept.time > latest.time),
            (kept.step == latest.step) & (kept.time == latest.time) & (kept.value > latest.value),
        ),
    )


def _latest(points: Sequence[Raw]) -> Iterable[Raw]:
    if len(points) == 1:
        return points
    last: dict[str, Raw] = {}
    for point in points:
        held = last.get(point.key)
        if held is None or _order(point) > _order(held):
            last[point.key] = point
    return last.values()


def _order(point: Raw) -> tuple[int, int, bool, float]:
    # As the databases compare: NaN stands above every number.
    not_a_number = math.isnan(point.value)
    return point.step, point.time_us, not_a_number, 0.0 if not_a_number else point.value
