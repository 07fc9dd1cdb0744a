"""Which models take which features, and what does not fit between the canvas and the views."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.clock import ManualClock
from stackcanvas.stack import Stack
from stackcanvas.stack.evidence import collect
from stackcanvas.stack.finding import takers
from stackcanvas.testing.onnx_models import delay_model

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CANVAS = """
stackcanvas: 1
project: {name: delays}
features:
  computation:
    - {view: weather, mode: streaming}
    - {view: wether, mode: batch}
    - {view: strength, mode: on demand}
"""
FEATURES = """
import stackcanvas as sc

weather = sc.FeatureView("weather", entity=["origin"], source="weather", event_time="hour", features=["knots", "gusts"])
months = sc.FeatureView("months", entity=["origin"], source="months", event_time="hour", features=["month"])

def strength(knots):
    return {"wind": knots / 2}

strength = sc.OnDemandView("strength", inputs=["weather:knots"], function=strength)
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A project with a model that takes one feature of each view."""
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    (tmp_path / "features.py").write_text(FEATURES)
    with sc.open(tmp_path, clock=ManualClock(START)) as opened:
        hour = [START - timedelta(hours=1)]
        opened.data.commit("weather", pl.DataFrame({"origin": ["JFK"], "hour": hour, "knots": [9.0], "gusts": [20.0]}))
        opened.data.commit("months", pl.DataFrame({"origin": ["JFK"], "hour": hour, "month": [3]}))
        asked = pl.DataFrame({"origin": ["JFK"], "time": [START], "carrier": ["AA"], "night": [False]})
        training = opened.features.training_set("training", asked, views=["strength", "months"], time="time").ref
        sample = opened.data.read(training).select(
            pl.col("wind").cast(pl.Float32), pl.col("month").cast(pl.Int64), "carrier", "night"
        )
        for _ in range(2):
            opened.registry.register("delay", delay_model(), sample=sample, training=training)
        yield opened


def test_a_feature_knows_the_models_that_take_it(stack: Stack) -> None:
    """The newest version of each; also through what is computed on demand."""
    taken = {":".join(pair): [str(ref) for ref in refs] for pair, refs in takers(stack).items()}

    assert taken == {key: ["model:delay@2"] for key in ("strength:wind", "weather:knots", "months:month")}


def test_what_does_not_fit_is_evidence(stack: Stack) -> None:
    """A name that nobody defined, and another way of computing."""
    (found,) = collect(stack, only={"features"}).values()

    assert found.warnings == (
        "`features.computation` says that weather is streaming; `features.py` says batch.",
        "`features.computation` names the view wether, which `features.py` does not define.",
    )
