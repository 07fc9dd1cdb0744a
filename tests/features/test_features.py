"""Training sets and the online store of a project, over data versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.features import Features, FeatureView
from stackcanvas.metadata import Ref, Spine

Make = Callable[[Sequence[FeatureView]], Features]


VIEW: dict[str, Any] = {
    "entity": ["origin"],
    "source": "weather",
    "event_time": "hour",
    "known_time": "published",
    "features": ["temp", "twice"],
}


def doubled(rows: pl.LazyFrame) -> pl.LazyFrame:
    """What a user's transform looks like."""
    return rows.with_columns(twice=pl.col("temp") * 2)


def weather(*, ttl: str | None = "2d") -> FeatureView:
    """Observed every hour, published an hour later."""
    return FeatureView("weather", **VIEW, ttl=ttl, transform=doubled)


PLANES = FeatureView("planes", entity=["tail"], source="planes", event_time="built", features=["seats"])


def observed(clock: ManualClock, hours: dict[int, float]) -> pl.DataFrame:
    """Temperatures at JFK, by the hours since the clock's."""
    stamps = pl.Series([clock.now() + timedelta(hours=hour) for hour in hours], dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame({"origin": "JFK", "hour": stamps, "temp": list(hours.values())}).with_columns(
        published=pl.col("hour") + timedelta(hours=1)
    )


@pytest.fixture
def features(make_features: Make, data: Data, clock: ManualClock) -> Features:
    """Two views over two data sets, committed."""
    data.commit("weather", observed(clock, {-3: 10.0, -2: 11.0, -1: 12.0, 0: 13.0}))
    data.commit("planes", pl.DataFrame({"tail": ["N1"], "built": [clock.now() - timedelta(days=900)], "seats": [180]}))
    return make_features([weather(), PLANES])


def asked(clock: ManualClock) -> pl.DataFrame:
    """Two flights, now and an hour ago."""
    times = [clock.now(), clock.now() - timedelta(hours=1)]
    return pl.DataFrame({"origin": "JFK", "tail": ["N1", "N2"], "time": times, "late": [True, False]})


def test_a_training_set_is_a_data_version_that_knows_what_it_came_from(
    features: Features, data: Data, spine: Spine, clock: ManualClock
) -> None:
    """Lineage leads to the views, with their definitions, and to the versions of their sources."""
    made = features.training_set("training", asked(clock), views=["weather", "planes"], time="time", message="first")

    assert data.read(made.ref).select("late", "temp", "twice", "seats").rows() == [
        (True, 12.0, 24.0, 180),
        (False, 11.0, 22.0, None),
    ]
    assert made.message == "first"
    used = set(spine.lineage.upstream(made.ref).refs)
    assert {weather().ref, PLANES.ref, Ref("data", "weather", "1"), Ref("data", "planes", "1")} <= used
    recorded = spine.artifacts.get(weather().ref)
    assert recorded is not None
    assert recorded.facts["transform"] == weather().definition["transform"]


def test_entities_may_be_a_data_version(features: Features, data: Data, spine: Spine, clock: ManualClock) -> None:
    """Then it is part of the lineage, and all of it can be made again."""
    entities = data.commit("flights", asked(clock))

    first = features.training_set("training", "flights", views=["weather"], time="time")
    again = features.training_set("training", entities.ref, views=["weather"], time="time")

    assert first.ref == again.ref
    assert entities.ref in spine.lineage.upstream(first.ref).refs


def test_an_older_version_of_the_source_can_be_named(features: Features, data: Data, clock: ManualClock) -> None:
    """A training set is made again as it was, whatever was committed since."""
    data.commit("weather", observed(clock, {-1: 99.0}))

    now = features.join(asked(clock), ["weather"], time="time")
    then = features.join(asked(clock), ["weather"], time="time", versions={"weather": Ref("data", "weather", "1")})

    assert now["temp"].to_list() == [99.0, None]
    assert then["temp"].to_list() == [12.0, 11.0]


def test_rows_may_come_in_any_arrow_form(features: Features, clock: ManualClock) -> None:
    """Anything else is refused by its type."""
    table = pa.table(asked(clock).to_arrow())

    assert features.join(table, ["weather"], time="time")["temp"].to_list() == [12.0, 11.0]
    with pytest.raises(BadInput, match="the rows are a list"):
        features.join(["JFK"], ["weather"], time="time")


def test_online_equals_the_training_set_at_the_same_instant(features: Features, clock: ManualClock) -> None:
    """Hour by hour, while the store is brought up to date."""
    for hour in range(4):
        now = clock.now()
        features.materialize()
        offline = features.join(asked(clock).head(1), ["weather", "planes"], time="time")

        found = features.online(["weather:*", "planes:seats"], [{"origin": "JFK", "tail": "N1"}])

        assert found == offline.select("temp", "twice", "seats").to_dicts(), f"{hour} hours on, at {now}"
        clock.advance(seconds_s=3600)


def test_materialising_again_writes_only_what_became_known(
    features: Features, clock: ManualClock, spine: Spine
) -> None:
    """Nothing the second time, one row an hour later; each time is on record with what it read."""
    assert [(found.view, found.rows) for found in features.materialize()] == [("planes", 1), ("weather", 1)]
    assert [found.rows for found in features.materialize()] == [0, 0]

    clock.advance(seconds_s=3600)
    done = features.materialize(["weather"])

    assert [(found.rows, found.until) for found in done] == [(1, clock.now())]
    assert {found.view: found.until for found in features.materialized()} == {
        "planes": clock.now() - timedelta(hours=1),
        "weather": clock.now(),
    }
    work = spine.executions.search(kind="features.materialize", subject=weather().ref)[0]
    refs = {str(edge.ref) for edge in spine.lineage.of(work.id)}
    assert refs == {str(weather().ref), "data:weather@1"}


def test_an_earlier_instant_takes_nothing_back(features: Features, clock: ManualClock) -> None:
    """What is online stays there."""
    features.materialize()

    done = features.materialize(["weather"], until=clock.now() - timedelta(hours=2))

    assert [(found.rows, found.until) for found in done] == [(0, clock.now())]


def test_a_late_correction_comes_online(features: Features, data: Data, clock: ManualClock) -> None:
    """A new version of the source is gone through from the beginning."""
    features.materialize()
    data.commit("weather", observed(clock, {-3: 10.0, -2: 11.0, -1: 12.5, 0: 13.0}))

    features.materialize()

    assert features.online(["weather:temp"], [{"origin": "JFK"}]) == [{"temp": 12.5}]


def test_a_changed_definition_starts_anew(
    features: Features, make_features: Make, store: KeyValue, clock: ManualClock
) -> None:
    """Values of the old definition are gone once the new ones are there."""
    features.materialize(["weather"])
    before = list(store.scan(b"weather\0"))

    changed = make_features([weather(ttl="1h"), PLANES])
    assert changed.online(["weather:temp"], [{"origin": "JFK"}]) == [{"temp": None}]
    changed.materialize(["weather"])

    after = list(store.scan(b"weather\0"))
    assert changed.online(["weather:temp"], [{"origin": "JFK"}]) == [{"temp": 12.0}]
    assert len(after) == 1
    assert after[0][0] != before[0][0]


def test_pushed_rows_are_online_at_once(features: Features, clock: ManualClock) -> None:
    """An older push never replaces a newer row, and rows of the future are not taken."""
    features.materialize()
    rows = doubled(observed(clock, {-1: 20.0, 2: 30.0}).lazy()).collect()

    assert features.push("weather", rows) == 1
    assert features.online(["weather:temp"], [{"origin": "JFK"}]) == [{"temp": 20.0}]
    assert features.push("weather", doubled(observed(clock, {-3: 5.0}).lazy()).collect()) == 0
    assert features.online(["weather:twice"], [{"origin": "JFK"}]) == [{"twice": 40.0}]


def test_views_are_listed_with_how_far_they_are_online(features: Features, clock: ManualClock) -> None:
    """None where a view was never brought there."""
    features.materialize(["weather"])

    assert [(one.view, one.ttl_s, one.online_until) for one in features.status()] == [
        ("planes", None, None),
        ("weather", 2 * 86400.0, clock.now()),
    ]


def test_what_does_not_exist_is_named(features: Features, make_features: Make, clock: ManualClock) -> None:
    """With the nearest name that does."""
    with pytest.raises(NotFound, match=r"no feature view 'wether'.*Did you mean 'weather'"):
        features.join(asked(clock), ["wether"], time="time")
    with pytest.raises(NotFound, match=r"view weather: There is no feature 'tmep'.*Did you mean 'temp'"):
        features.online(["weather:tmep"], [{"origin": "JFK"}])
    with pytest.raises(NotFound, match="no feature view 'temp'"):
        features.online(["temp"], [{"origin": "JFK"}])
    with pytest.raises(BadInput, match="a feature is asked for twice"):
        features.online(["weather:*", "weather:temp"], [{"origin": "JFK"}])
    other = FeatureView("other", entity=["tail"], source="elsewhere", event_time="built", features=["seats"])
    with pytest.raises(NotFound, match="no data set 'elsewhere'"):
        make_features([other]).materialize()


def test_one_name_is_as_good_as_a_list(features: Features, clock: ManualClock) -> None:
    """And keys of numpy and pandas count as what they hold."""
    assert features.join(asked(clock), "weather", time="time").equals(
        features.join(asked(clock), ["weather"], time="time")
    )
    assert [one.view for one in features.materialize("weather")] == ["weather"]
    assert features.online("weather:temp", [{"origin": np.str_("JFK")}]) == [{"temp": 12.0}]


def test_what_is_asked_for_wrongly_is_said(features: Features, clock: ManualClock) -> None:
    """Whatever it is, in a sentence with the way out."""
    naive = clock.now().replace(tzinfo=None)
    flights = asked(clock)
    with pytest.raises(BadInput, match="says no time zone"):
        features.online("weather", [{"origin": "JFK"}], now=naive)
    with pytest.raises(BadInput, match="says no time zone"):
        features.push("weather", flights, now=naive)
    with pytest.raises(BadInput, match="a list of mappings"):
        features.online("weather", {"origin": "JFK"})  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="'Mars/Crater', which is none"):
        features.join(flights, "weather", time="time", timezone="Mars/Crater")
    with pytest.raises(BadInput, match="from_epoch"):
        features.join(flights.with_columns(pl.col("time").dt.epoch()), "weather", time="time")


def whole(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Fails only at a value, when it is computed."""
    return rows.with_columns(twice=pl.col("origin").str.to_integer())


def test_a_transform_that_fails_at_a_value_is_told_with_its_line(
    make_features: Make, features: Features, clock: ManualClock
) -> None:
    """Wherever its rows are computed: it is not our fault, and they can find it."""
    view = FeatureView("weather", **VIEW, transform=whole)
    broken = make_features([view])
    told = rf"test_features\.py:{whole.__code__.co_firstlineno}: the transform of feature view 'weather' failed: Comp"
    for work in (
        broken.materialize,
        lambda: broken.statistics("weather"),
        lambda: broken.join(asked(clock), "weather", time="time"),
        lambda: broken.training_set("training", asked(clock), views=["weather"], time="time"),
    ):
        with pytest.raises(BadInput, match=told):
            work()


def test_two_views_of_one_name_are_refused(make_features: Make) -> None:
    """One of them would never be found."""
    with pytest.raises(BadInput, match="two feature views are called 'planes'"):
        make_features([PLANES, PLANES]).ls()
