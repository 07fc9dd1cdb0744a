"""From the real prediction server to an event: what it logs is what monitoring reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring import Decay, Live, Monitoring, Policy, Registered, Skew
from stackcanvas.serving.log import Log
from stackcanvas.statistics import Profile
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

START = datetime(2013, 5, 1, tzinfo=UTC)
MODEL = Ref("model", "delay", "1")
ROWS = 600


def records(rng: np.random.Generator, *, wind: float) -> list[dict[str, Any]]:
    """Flights in some wind; the key of the flight is no feature."""
    return [
        {
            "wind": None if place % 10 == 0 else round(float(rng.normal(wind, 3)), 1),
            "month": 5,
            "carrier": str(rng.choice(["UA", "B6"])),
            "night": place % 3 == 0,
            "flight": f"F{place}",
        }
        for place in range(ROWS)
    ]


@pytest.mark.usefixtures("database")
def test_from_predictions_to_drift_and_decay(spine: Spine, clock: ManualClock, tmp_path: Path) -> None:
    """A calm day as in training, a stormy day: drift, and labels by flight that say that the scores are wrong."""
    rng = np.random.default_rng(1)
    training = pl.DataFrame(records(rng, wind=0) * 5).with_columns(late=pl.lit(value=True))
    folder = ServedFolder(tmp_path / "state")
    folder.route(delay=folder.to(("v1", folder.delay(), 1.0)))
    asked: dict[datetime, list[dict[str, Any]]] = {}
    server = PredictionProcess(folder, "--replay")
    try:
        for day, wind in enumerate((0, 8)):
            moment = START + timedelta(days=day, hours=12)
            asked[moment] = records(rng, wind=wind)
            body = {"records": asked[moment], "event_time": moment.isoformat()}
            status, answer = server.post("/v1/predict/delay", body)
            assert (status, len(answer["predictions"])) == (200, ROWS)
    finally:
        assert server.stop() == 0

    monitoring = Monitoring(
        spine,
        Log(folder.root / "predictions"),
        live=lambda: [Live("delay", MODEL, START)],
        registered=lambda _: Registered(Profile.of_arrow(training), {"auc": 0.8}),
        policy=lambda _: Policy(
            skew=Skew(window=timedelta(days=1), min_rows=300),
            decay=Decay(metric="auc", worse_by=0.1, window=timedelta(days=1), min_labels=300),
            output="probability",
        ),
    )
    clock.move_to(START + timedelta(days=1))
    monitoring.tick(clock.now())
    quiet = monitoring.drift("delay").report
    assert set(quiet.columns) == {"wind", "month", "carrier", "night"}
    assert quiet.drifted_columns == []
    assert spine.events.after(0, names=["drift.found"]) == []

    moment = START + timedelta(days=1, hours=12)
    outcomes = [
        {"flight": one["flight"], "event_time": moment, "value": place % 2 == 0}
        for place, one in enumerate(asked[moment])
    ]
    added = monitoring.labels.add("delay", outcomes)
    assert (added.matched, added.waiting) == (ROWS, 0)
    clock.move_to(START + timedelta(days=2))
    look = monitoring.tick(clock.now())[0]

    assert look.happened == ("drift.found", "decay.found")
    report = monitoring.drift("delay").report
    assert report.drifted_columns == ["wind"]
    assert report.columns["wind"].nulls_after == 0.1
