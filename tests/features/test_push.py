"""Streams: rows that are pushed early, late, twice and out of order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import BadInput, BadInputs, NotFound
from stackcanvas.features import Definition, Features, FeatureView
from stackcanvas.metadata import Spine

Make = Callable[[Sequence[Definition]], Features]

CLICKS = FeatureView(
    "clicks",
    entity=["user"],
    source="clicks",
    event_time="event",
    known_time="known",
    ttl="1d",
    features=["count"],
    stream=True,
)


def row(clock: ManualClock, event: int, known: int, count: int | None) -> pl.DataFrame:
    """One row; event and knowledge in minutes from now."""
    times = [clock.now() + timedelta(minutes=minute) for minute in (event, known)]
    return pl.DataFrame(
        {"user": [7], "event": [times[0]], "known": [times[1]], "count": pl.Series([count], dtype=pl.Int64)}
    )


@pytest.fixture(params=["sqlite", "redis"])
def features(request: pytest.FixtureRequest, spine: Spine, data: Data, store: KeyValue, tmp_path: Any) -> Any:
    """One stream, on both online stores."""
    chosen = store if request.param == "sqlite" else open_keyvalue(request.getfixturevalue("redis_url"))
    yield Features(spine, data, chosen, [CLICKS], folder=tmp_path / "features")
    chosen.close()


def test_any_order_gives_the_same(features: Features, clock: ManualClock, data: Data) -> None:
    """Four rows of two events, in every order and each twice: what counts is the last known row of the last event."""
    rows = [row(clock, -9, -8, 1), row(clock, -9, -3, 2), row(clock, -5, -5, 3), row(clock, -5, -4, None)]
    for turn, order in enumerate(itertools.permutations(rows)):
        moved = [one.with_columns(user=pl.lit(turn)) for one in (*order, *reversed(order))]
        for one in moved:
            features.push("clicks", one)

        assert features.online(["clicks:count"], [{"user": turn}]) == [{"count": None}], turn
    (version,) = features.fold()
    assert version.rows == 24 * 4
    asked = pl.DataFrame({"user": range(24), "time": [clock.now() - timedelta(minutes=4, seconds=1)] * 24})
    assert features.join(asked, ["clicks"], time="time")["count"].to_list() == [3] * 24


def test_pushed_rows_reach_training(features: Features, data: Data, clock: ManualClock) -> None:
    """Folded once, whatever comes twice; then both paths agree."""
    features.push("clicks", row(clock, -5, -5, 3))
    assert features.waiting_since("clicks") == clock.now()
    with pytest.raises(NotFound):
        data.get("clicks")

    features.fold()
    features.push("clicks", row(clock, -5, -5, 3))
    features.push("clicks", row(clock, -2, -2, 4))
    (second,) = features.fold(["clicks"])

    assert (second.number, second.rows) == (2, 2)
    assert features.fold() == []
    assert features.waiting_since("clicks") is None
    features.materialize()
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": 4}]


def test_rows_of_the_future_wait(features: Features, clock: ManualClock) -> None:
    """Pushed before they may be known, they come online when their time comes."""
    assert features.push("clicks", row(clock, 5, 10, 1)) == 0
    features.fold()
    features.materialize()
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": None}]

    clock.advance(seconds_s=600)
    features.materialize()

    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": 1}]


def test_a_push_that_does_not_fit_keeps_nothing(features: Features, clock: ManualClock) -> None:
    """Neither online nor for the data set."""
    with pytest.raises(NotFound, match="'count'"):
        features.push("clicks", row(clock, -1, -1, 1).drop("count"))
    with pytest.raises(BadInputs, match="the feature 'count' is of type Date"):
        features.push("clicks", row(clock, -1, -1, 1).with_columns(count=pl.date(2026, 1, 1)))

    assert features.fold() == []
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": None}]


def test_a_store_that_was_lost_is_filled_again(features: Features, clock: ManualClock) -> None:
    """How far a view has come is kept beside its rows, so nobody believes that they are still there."""
    features.push("clicks", row(clock, -5, -5, 3))
    features.fold()
    features.materialize()
    store = features._online._store
    store.delete_many([key for key, _, _ in store.scan(b"")])

    assert [one.rows for one in features.materialize()] == [1]
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": 3}]


def test_rows_that_a_version_took_back(features: Features, data: Data, clock: ManualClock) -> None:
    """They stay online, since older never replaces newer, until everything is written anew."""
    data.commit("clicks", pl.concat([row(clock, -9, -9, 1), row(clock, -5, -5, 2)]))
    features.materialize()
    data.commit("clicks", row(clock, -9, -9, 1))

    features.materialize()
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": 2}]
    features.materialize(rebuild=True)
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": 1}]


def test_a_stream_has_no_transform() -> None:
    """It would see one pushed row at a time."""
    with pytest.raises(BadInputs, match="a stream and has a transform"):
        FeatureView(
            "x", entity=["k"], source="s", event_time="t", features=["f"], stream=True, transform=lambda rows: rows
        )


def test_a_key_of_another_kind_is_refused(features: Features, clock: ManualClock) -> None:
    """Instead of an answer that looks like nothing is known; once the kind is on record."""
    features.push("clicks", row(clock, -5, -5, 3))
    features.fold()
    features.materialize()

    plan = features.plan()

    assert plan["views"]["clicks"]["place"]["kinds"] == ("number",)
    assert plan["views"]["clicks"]["place"]["feature_kinds"] == ("",)
    assert plan["views"]["clicks"]["until_us"] is not None
    for wrong in (1.5, "7"):
        with pytest.raises(BadInput, match="the key 'user' is"):
            features.online(["clicks:count"], [{"user": wrong}])
