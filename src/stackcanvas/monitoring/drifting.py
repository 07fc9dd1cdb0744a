"""Drift of the traffic of an endpoint from the training data of its live model, window by window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from stackcanvas.late import late
from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring.policy import Skew
from stackcanvas.monitoring.sources import SERVED, Predictions, Registered, features, has_rows
from stackcanvas.monitoring.tables import monitor_drift
from stackcanvas.monitoring.windows import Window
from stackcanvas.statistics import DriftReport, Profile, drift

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_BATCH_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class DriftFound:
    """The drift of one window.

    Attributes:
        endpoint: whose traffic.
        model: whose training data it was compared with.
        start: of the window.
        end: of the window.
        measured: when.
        report: what was found.
    """

    endpoint: str
    model: Ref
    start: datetime
    end: datetime
    measured: datetime
    report: DriftReport


class Drifts:
    """Measures drift and keeps what was found.

    Args:
        spine: where it is recorded.
        predictions: the prediction log.
        registered: what is known of a model version.
    """

    def __init__(self, spine: Spine, predictions: Predictions, registered: Callable[[Ref], Registered]) -> None:
        self._spine = spine
        self._predictions = predictions
        self._registered = registered

    def measure(self, endpoint: str, model: Ref, window: Window, skew: Skew) -> DriftReport | None:
        """The drift of a window; None without traffic, or without a profile of the training data."""
        reference = self._registered(model).profile
        if reference is None:
            return None
        current = self._traffic(endpoint, window)
        if current is None:
            return None
        # What a model was trained on may hold the target and keys, too: only what it is asked with can drift.
        known = [name for name in reference.columns if name in current.columns]
        judged = [name for name in skew.columns or known if name not in skew.ignored]
        enough = {} if current.rows >= skew.min_rows else {"min_rows": skew.min_rows}
        return drift(
            reference,
            current,
            columns=judged,
            threshold=skew.distance,
            thresholds={name: limit for name, limit in skew.thresholds.items() if name in judged},
            share_threshold=skew.share,
            **enough,
        )

    def write(
        self, tx: Connection, endpoint: str, model: Ref, window: Window, report: DriftReport, *, now: datetime
    ) -> None:
        """Keep what was found inside the caller's transaction."""
        values = {"window_start": window.start, "model": str(model), "measured": now, "report": report.to_dict()}
        new = self._spine.database.insert(monitor_drift).values(endpoint=endpoint, window_end=window.end, **values)
        keys = [monitor_drift.c.endpoint, monitor_drift.c.window_end]
        tx.execute(new.on_conflict_do_update(index_elements=keys, set_=values))

    def history(self, endpoint: str, *, limit: int) -> list[DriftFound]:
        """What was found, the newest window first."""
        chosen = select(monitor_drift).where(monitor_drift.c.endpoint == endpoint)
        with self._spine.read() as connection:
            rows = connection.execute(chosen.order_by(monitor_drift.c.window_end.desc()).limit(limit)).all()
        return [
            DriftFound(
                endpoint=row.endpoint,
                model=Ref.parse(row.model),
                start=row.window_start,
                end=row.window_end,
                measured=row.measured,
                report=DriftReport.from_dict(row.report),
            )
            for row in rows
        ]

    def _traffic(self, endpoint: str, window: Window) -> Profile | None:
        """The profile of the features in a window, gathered in the memory of a part of it."""
        log = self._predictions.scan(endpoint, start=window.start, end=window.end)
        if not has_rows(log):
            return None
        rows = features(log.filter(pl.col("status").is_in(SERVED)))
        if rows.is_empty():
            return None
        return Profile.of_batches(rows.iter_slices(_BATCH_ROWS))
