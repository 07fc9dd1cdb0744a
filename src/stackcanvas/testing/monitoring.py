"""An endpoint with a prediction log of the real schema, a live model, and labels that come when a test sends them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from stackcanvas.clock import ManualClock
from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring import Live, Monitoring, Policy, Registered
from stackcanvas.serving.server.segments import log_schema
from stackcanvas.statistics import Profile

_SCHEMA = log_schema(
    [pa.field("temp", pa.float32()), pa.field("wind", pa.float32()), pa.field("origin", pa.string())],
    [pa.field("probability", pa.float32())],
)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class LogInMemory:
    """A prediction log in memory; `stackcanvas.monitoring.Predictions` for tests."""

    def __init__(self) -> None:
        self.frames: dict[str, list[pl.DataFrame]] = {}
        self.scans = 0

    def scan(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The rows of an endpoint between two instants."""
        self.scans += 1
        if endpoint not in self.frames:
            return pl.LazyFrame()
        rows = pl.concat(self.frames[endpoint]).lazy()
        rows = rows if start is None else rows.filter(pl.col("time") >= start)
        return rows if end is None else rows.filter(pl.col("time") < end)

    def add(self, endpoint: str, rows: Iterable[dict[str, Any]]) -> None:
        """Log rows; what is left out has a plain value."""
        full = [
            {
                "row": 0,
                "request_id": None,
                "endpoint": endpoint,
                "variant": "v1",
                "model": "model:delay@1",
                "entity": None,
                "features": {"temp": 15.0, "wind": 5.0, "origin": "EWR"},
                "output": {"probability": 0.5},
                "fallback": row.get("status") == "fallback",
                "status": "ok",
                "reason": None,
                "latency_us": 1000,
                **row,
            }
            for row in rows
        ]
        frame = pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(full, schema=_SCHEMA)))
        self.frames.setdefault(endpoint, []).append(frame)


@dataclass
class WatchedEndpoint:
    """Everything around a `Monitoring` that watches one endpoint, `delay`."""

    spine: Spine
    clock: ManualClock
    log: LogInMemory = field(default_factory=LogInMemory)
    live: dict[str, Live] = field(default_factory=dict)
    registered: dict[Ref, Registered] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    channels: dict[str, str] = field(default_factory=dict)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    made: int = 0

    def monitoring(self) -> Monitoring:
        """A `Monitoring` as a worker that has just started would make it."""
        return Monitoring(
            self.spine,
            self.log,
            live=self.live.values,
            registered=lambda ref: self.registered[ref],
            policy=lambda _: self.policy,
            channels=self.channels,
        )

    def features(self, rows: int, *, warmer: float = 0.0) -> dict[str, np.ndarray]:
        """Weather; all of it moves when it gets warmer."""
        return {
            "temp": self.rng.normal(15 + warmer, 5, rows),
            "wind": self.rng.gamma(4 + warmer / 5, 2, rows),
            "origin": self.rng.choice(["EWR", "JFK", "LGA"], rows),
        }

    def deploy(self, number: int = 1, *, auc: float = 0.75) -> Ref:
        """Let a version be live that was trained on cool weather."""
        model = Ref("model", "delay", str(number))
        self.registered[model] = Registered(Profile.of(self.features(20_000)), {"auc": auc})
        self.live["delay"] = Live("delay", model, self.clock.now())
        return model

    def traffic(
        self, start: datetime, rows: int, *, over: timedelta = DAY, warmer: float = 0.0, skill: float = 1.0, **more: Any
    ) -> pl.DataFrame:
        """Predictions spread over a stretch of time; gives their labels, observed six hours after each.

        Args:
            skill: how much the score says of the outcome, from 0 to 1.
        """
        columns = self.features(rows, warmer=warmer)
        late = self.rng.random(rows) < 0.3
        score = np.clip(0.5 + skill * (late - 0.5) * 0.5 + self.rng.normal(0, 0.3, rows), 0, 1)
        ids = [f"p{self.made + place:06d}" for place in range(rows)]
        times = [start + over * place / rows for place in range(rows)]
        self.made += rows
        self.log.add(
            "delay",
            (
                {
                    "prediction_id": ids[place],
                    "time": times[place],
                    "features": {name: values[place] for name, values in columns.items()},
                    "output": {"probability": float(score[place])},
                    "model": str(self.live["delay"].model),
                    **more,
                }
                for place in range(rows)
            ),
        )
        return pl.DataFrame({"prediction_id": ids, "value": late, "observed_at": [time + 6 * HOUR for time in times]})

    def events(self, *names: str) -> list[str]:
        """Names of the events so far, of these names or of all."""
        return [event.name for event in self.spine.events.after(0, names=names)]
