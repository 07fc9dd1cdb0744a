"""Training sets and the online store with the records in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.features import Features, FeatureView
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

NOW = datetime(2026, 11, 23, tzinfo=UTC)
VIEW = FeatureView("usage", entity=["customer"], source="usage", event_time="day", features=["calls"])


@pytest.fixture
def features(postgres_url: str, store: KeyValue, tmp_path: Path) -> Iterator[Features]:
    """One view over one data set."""
    database = open_database(postgres_url)
    prepare(database, load)
    clock = ManualClock(NOW)
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
    data = Data(spine, open_objects(f"file://{tmp_path}/objects"), tmp_path, tmp_path / "cache")
    data.commit("usage", pl.DataFrame({"customer": [42], "day": [NOW - timedelta(days=1)], "calls": [7]}))
    yield Features(spine, data, store, [VIEW], folder=tmp_path / "features")
    data.close()
    database.close()


def test_from_rows_to_training_set_and_online(features: Features) -> None:
    """The same as on SQLite, twice: what is recorded already is left as it is."""
    asked = pl.DataFrame({"customer": [42, 43], "time": [NOW, NOW]})

    for turn in range(2):
        made = features.training_set("training", asked, views=["usage"], time="time")
        assert made.number == 1
        assert made.existed is (turn == 1)
        assert [found.rows for found in features.materialize()] == [1 - turn]

    assert features.online(["usage:calls"], [{"customer": 42}, {"customer": 43}]) == [{"calls": 7}, {"calls": None}]
    assert [found.until for found in features.materialized()] == [NOW]
