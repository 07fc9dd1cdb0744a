"""Metrics: every value that was logged, and beside them the latest of each key."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Double, Table, or_, select, tuple_, type_coerce
from sqlalchemy.dialects.sqlite import Insert

from stackcanvas.backends.database import Database
from stackcanvas.clock import from_us
from stackcanvas.experiments.tables import run_metric, run_metric_latest
from stackcanvas.metadata import Spine


class Point(NamedTuple):
    """One value as it is logged; a tuple, because there are many."""

    key: str
    step: int
    time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """A value of a run's metric.

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
        # Made once: putting a statement together takes longer than executing it.
        self._add = spine.database.insert(run_metric).on_conflict_do_nothing()
        self._raise = _raise_latest(spine.database)

    def add(self, tx: Connection, run_id: str, points: Sequence[Point], *, experiment: int) -> None:
        """Append values inside the caller's transaction; what is there already is not added again."""
        if points:
            tx.execute(self._add, [{"run": run_id, **point._asdict()} for point in points])
            known = {"run": run_id, "experiment": experiment}
            tx.execute(self._raise, [known | last._asdict() for last in _latest(points)])

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
            rows = connection.execute(ordered)
            return [Metric(key, float(value), step, from_us(time_us)) for value, step, time_us in rows]


def latest_of(connection: Connection, run_ids: Iterable[str]) -> dict[str, dict[str, Metric]]:
    """The latest value of each metric of each run."""
    found: dict[str, dict[str, Metric]] = {run_id: {} for run_id in run_ids}
    latest = run_metric_latest
    chosen = select(latest.c.run, latest.c.key, *_plain(latest)).where(latest.c.run.in_(list(found)))
    for run_id, key, value, step, time_us in connection.execute(chosen.order_by(latest.c.key)):
        found[run_id][key] = Metric(key, float(value), step, from_us(time_us))
    return found


def _plain(table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """Value, step and time as the driver gives them: converting them here costs a third of what the types take."""
    value, time = type_coerce(table.c.value, Double), type_coerce(table.c.time, BigInteger)
    return value, type_coerce(table.c.step, BigInteger), time


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


def _latest(points: Sequence[Point]) -> list[Point]:
    last: dict[str, Point] = {}
    for point in points:
        held = last.get(point.key)
        if held is None or _order(point) > _order(held):
            last[point.key] = point
    return list(last.values())


def _order(point: Point) -> tuple[int, datetime, bool, float]:
    # As the databases compare: NaN stands above every number.
    not_a_number = math.isnan(point.value)
    return point.step, point.time, not_a_number, 0.0 if not_a_number else point.value
