"""Performance of models over windows of predictions, measured when labels come and again when more do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select

from stackcanvas.late import late
from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring.labels import Labels
from stackcanvas.monitoring.sources import ANSWERED
from stackcanvas.monitoring.tables import monitor_performance
from stackcanvas.monitoring.windows import Window
from stackcanvas.statistics import metric

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of one model over one window.

    Attributes:
        endpoint: where it answered.
        model: the version.
        metric: its name.
        value: NaN where it is not defined, as the AUC of rows of one class.
        labels: predictions whose outcome was known.
        predictions: all predictions of the version in the window.
        start: of the window.
        end: of the window.
        measured: when; labels that came later are not in it yet.
    """

    endpoint: str
    model: Ref
    metric: str
    value: float
    labels: int
    predictions: int
    start: datetime
    end: datetime
    measured: datetime


class Performances:
    """Measures metrics and keeps them.

    Args:
        spine: where they are recorded.
        labels: the outcomes.
    """

    def __init__(self, spine: Spine, labels: Labels) -> None:
        self._spine = spine
        self._labels = labels

    def measure(
        self, endpoint: str, windows: Sequence[Window], metrics: Sequence[str], *, now: datetime
    ) -> list[Measured]:
        """Every metric of every version that answered in these windows; the log is read once."""
        if not windows or not metrics:
            return []
        start, end = min(window.start for window in windows), max(window.end for window in windows)
        judged = self._answered(self._labels.judged(endpoint, start, end)).select("time", "model", "output", "actual")
        known = judged.sort("time").collect()
        if known.is_empty():
            return []
        counts = (
            self._answered(self._labels.logged(endpoint, start, end)).select("time", "model").sort("time").collect()
        )
        found: list[Measured] = []
        for window in windows:
            asked = dict(_within(counts, window)["model"].value_counts().iter_rows())
            for (model,), rows in _within(known, window).group_by("model", maintain_order=True):
                for name in metrics:
                    value = _value(name, rows)
                    found.append(
                        Measured(
                            endpoint=endpoint,
                            model=Ref.parse(str(model)),
                            metric=name,
                            value=value,
                            labels=rows.height,
                            predictions=asked[model],
                            start=window.start,
                            end=window.end,
                            measured=now,
                        )
                    )
        return found

    def write(self, tx: Connection, endpoint: str, windows: Sequence[Window], measured: Sequence[Measured]) -> None:
        """Put the metrics of these windows in the place of the older ones, inside the caller's transaction."""
        here = monitor_performance.c
        ends = [window.end for window in windows]
        tx.execute(delete(monitor_performance).where(here.endpoint == endpoint, here.window_end.in_(ends)))
        rows = [
            {
                "endpoint": endpoint,
                "window_end": one.end,
                "model": str(one.model),
                "metric": one.metric,
                "window_start": one.start,
                "value": one.value,
                "labels": one.labels,
                "predictions": one.predictions,
                "measured": one.measured,
            }
            for one in measured
        ]
        if rows:
            self._spine.database.bulk(tx, monitor_performance, rows)

    def history(
        self, endpoint: str, *, metric: str | None = None, model: Ref | None = None, limit: int = 1000
    ) -> list[Measured]:
        """What was measured, the newest window first."""
        here = monitor_performance.c
        chosen = select(monitor_performance).where(here.endpoint == endpoint)
        if metric is not None:
            chosen = chosen.where(here.metric == metric)
        if model is not None:
            chosen = chosen.where(here.model == str(model))
        chosen = chosen.order_by(here.window_end.desc(), here.model, here.metric).limit(limit)
        with self._spine.read() as connection:
            rows = connection.execute(chosen).all()
        return [
            Measured(
                endpoint=row.endpoint,
                model=Ref.parse(row.model),
                metric=row.metric,
                value=row.value,
                labels=row.labels,
                predictions=row.predictions,
                start=row.window_start,
                end=row.window_end,
                measured=row.measured,
            )
            for row in rows
        ]

    @staticmethod
    def _answered(log: pl.LazyFrame) -> pl.LazyFrame:
        """What the model itself answered: a fallback says nothing about it."""
        return log.filter(pl.col("status").is_in(ANSWERED))


def _within(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The rows of a window, from rows sorted by time."""
    first, last = (rows["time"].search_sorted(edge, side="left") for edge in (window.start, window.end))
    return rows.slice(first, last - first)


def _value(name: str, rows: pl.DataFrame) -> float:
    chosen = metric(name)
    kept = rows.select(pl.col("output").cast(pl.Float64), pl.col("actual").cast(pl.Float64)).drop_nulls()
    if kept.is_empty():
        return float("nan")
    return chosen.function(kept["actual"].to_numpy(), kept["output"].to_numpy())
