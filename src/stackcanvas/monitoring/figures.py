"""The figures that alert rules may name: of the data, of the model, and of operation."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from stackcanvas.late import late
from stackcanvas.monitoring.drifting import Drifts
from stackcanvas.monitoring.labels import Labels
from stackcanvas.monitoring.performance import Performances
from stackcanvas.monitoring.policy import Policy
from stackcanvas.monitoring.sources import Live, Predictions, has_rows
from stackcanvas.statistics import METRICS

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

DATA = ("drift_share", "drifted_columns")
OPERATION = (
    "predictions",
    "error_rate",
    "fallback_rate",
    "warned_rate",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
)
LABELS = ("unmatched_labels",)
FIGURES = (*DATA, *METRICS, *OPERATION, *LABELS)
"""Every name that a rule can use; the metrics are those of the live version over its last measured window."""


class Figures:
    """Computes figures.

    Args:
        predictions: the prediction log.
        drifts: what was found.
        performances: what was measured.
        labels: what came.
    """

    def __init__(self, predictions: Predictions, *, drifts: Drifts, performances: Performances, labels: Labels) -> None:
        self._predictions = predictions
        self._drifts = drifts
        self._performances = performances
        self._labels = labels

    def of(self, live: Live, policy: Policy, *, names: Collection[str], now: datetime) -> dict[str, float]:
        """The figures of these names that are known now; one without data, or of an unknown name, is left out."""
        found: dict[str, float] = {}
        if not set(names).isdisjoint(DATA):
            found |= self._data(live)
        for name in set(names) & METRICS.keys():
            last = self._performances.history(live.endpoint, metric=name, model=live.model, limit=1)
            if last:
                found[name] = last[0].value
        if not set(names).isdisjoint(OPERATION):
            found |= self._operation(live.endpoint, policy, now=now)
        if not set(names).isdisjoint(LABELS):
            counts = self._labels.counts(live.endpoint)
            found |= {"unmatched_labels": 1 - counts.matched / counts.labels} if counts.labels else {}
        return {name: value for name, value in found.items() if name in names}

    def _data(self, live: Live) -> dict[str, float]:
        last = [one for one in self._drifts.history(live.endpoint, limit=1) if one.report.judged]
        if not last:
            return {}
        report = last[0].report
        return {"drift_share": report.share, "drifted_columns": float(len(report.drifted_columns))}

    def _operation(self, endpoint: str, policy: Policy, *, now: datetime) -> dict[str, float]:
        """Of the last stretch of traffic; without any there is only the count."""
        log = self._predictions.scan(endpoint, start=now - policy.operations_window, end=now)
        if not has_rows(log):
            return {"predictions": 0.0}
        status, latency_us = pl.col("status"), pl.col("latency_us")
        row = (
            log.filter(status != "shadow")
            .select(
                pl.len().alias("predictions"),
                *((status == state).mean().alias(name) for state, name in _STATES.items()),
                *(
                    (latency_us.quantile(share, "higher") / 1000).alias(f"latency_p{share * 100:.0f}_ms")
                    for share in (0.5, 0.95, 0.99)
                ),
            )
            .collect()
            .row(0, named=True)
        )
        return {name: float(value) for name, value in row.items() if value is not None}


_STATES = {"error": "error_rate", "fallback": "fallback_rate", "warned": "warned_rate"}
