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
    assert plan["views"]["clicks"]["place"]["feature_kinds"] == ("integer",)
    assert plan["views"]["clicks"]["until_us"] is not None
    for wrong in (1.5, "7"):
        with pytest.raises(BadInput, match="the key 'user' is"):
            features.online(["clicks:count"], [{"user": wrong}])


def clicks(clock: ManualClock, count: object, *, second: int = -60, user: object = 7) -> pl.DataFrame:
    """One row whose event and knowledge are the same instant."""
    instant = clock.now() + timedelta(seconds=second)
    return pl.DataFrame({"user": [user], "event": [instant], "known": [instant], "count": [count]})


def offline(features: Features, clock: ManualClock) -> list[Any]:
    """What a training set would hold of that user now."""
    return features.join(pl.DataFrame({"user": [7], "time": [clock.now()]}), ["clicks"], time="time")["count"].to_list()


@pytest.mark.parametrize("folded", [True, False], ids=["folded each time", "folded at the end"])
@pytest.mark.parametrize("order", [(1, 2, 1, 2), (1, 2, 2, 1), (1, 1, 2, 2), (1, 2, 1, 1)])
def test_of_rows_that_tie_the_last_pushed_counts_on_both_paths(
    features: Features, clock: ManualClock, order: tuple[int, ...], folded: bool
) -> None:
    """Also when it was pushed before, another one came between, and the data set holds both already."""
    for count in order:
        features.push("clicks", clicks(clock, count))
        if folded:
            features.fold()
    (version, *_) = [*features.fold(), features._data.get("clicks")]
    features.materialize()

    assert offline(features, clock) == [order[-1]]
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": order[-1]}]
    assert version.rows == len(list(itertools.groupby(order)))


def test_two_folds_at_once_lose_nothing(features: Features, clock: ManualClock, data: Data, spine: Spine) -> None:
    """What was read before another one committed is read again."""
    features.push("clicks", clicks(clock, 1))
    features.fold()
    features.push("clicks", clicks(clock, 2, second=-50))
    begun: list[int] = []

    class Late(Data):
        def commit(self, *args: Any, **options: Any) -> Any:
            if not begun:
                begun.append(1)
                features.push("clicks", clicks(clock, 3, second=-40))
                features.fold()
            return super().commit(*args, **options)

    late = Late(spine, data._parts.objects, data._parts.root, data._parts.root / "cache")
    other = Features(spine, late, features._online._store, [CLICKS], folder=data._parts.root / "features")
    other.fold()
    late.close()

    assert sorted(data.scan("clicks").collect()["count"]) == [1, 2, 3]
    assert features.fold() == []


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [(1, 2.5, pl.Float64), (1.5, 2, pl.Float64), (1, 2.0, pl.Int64), (None, 2, pl.Int64), (1, None, pl.Int64)],
)
def test_a_pushed_value_is_never_cut(  # noqa: PLR0917 - pytest passes them by name
    features: Features, clock: ManualClock, data: Data, first: object, second: object, kept: pl.DataType
) -> None:
    """A fraction beside whole numbers makes the column one of fractions; both paths give it whole."""
    features.push("clicks", clicks(clock, first))
    features.fold()
    features.push("clicks", clicks(clock, second, second=-30))
    pushed = features.online(["clicks:count"], [{"user": 7}])
    features.fold()
    features.materialize()

    (trained,) = offline(features, clock)
    assert trained == second
    assert repr(pushed) == repr([{"count": trained}]) == repr(features.online(["clicks:count"], [{"user": 7}]))
    assert data.scan("clicks").collect_schema()["count"] == kept


def test_a_finer_time_is_not_rounded_down(features: Features, clock: ManualClock, data: Data) -> None:
    """In a data set of whole milliseconds a row would otherwise be known before its time."""
    coarse = pl.col("event", "known").dt.cast_time_unit("ms")
    features.push("clicks", clicks(clock, 1).with_columns(coarse))
    features.fold()
    later = pl.col("event", "known").dt.offset_by("7us")
    features.push("clicks", clicks(clock, 2).with_columns(later))
    features.fold()

    instant = clock.now() - timedelta(seconds=60)
    asked = pl.DataFrame({"user": [7, 7], "time": [instant, instant + timedelta(microseconds=7)]})
    assert features.join(asked, ["clicks"], time="time")["count"].to_list() == [1, 2]


def test_another_kind_of_value_is_refused_at_the_push(features: Features, clock: ManualClock, data: Data) -> None:
    """Before anything of it is kept, so that it holds nothing up."""
    features.push("clicks", clicks(clock, 1))
    features.fold()
    features.materialize()

    with pytest.raises(BadInput, match="'count' is String, and Int64 in data:clicks"):
        features.push("clicks", clicks(clock, "many", second=-30))
    with pytest.raises(BadInput, match="'user' is String, and Int64 in data:clicks"):
        features.push("clicks", clicks(clock, 1, second=-30, user="7"))
    # Rows that only go online have no data set to be compared with.
    with pytest.raises(BadInput, match=r"the feature 'count' is text\. Expected: integer"):
        features.push("clicks", clicks(clock, "many", second=-30), keep=False)
    with pytest.raises(BadInput, match="the key 'user' is a text"):
        features.push("clicks", clicks(clock, 1, second=-30, user="7"), keep=False)

    features.push("clicks", clicks(clock, 5, second=-20))
    assert [version.rows for version in features.fold()] == [2]

    # What the data set is now counts, also before it is online.
    data.commit("clicks", clicks(clock, "many", second=-15))
    features.push("clicks", clicks(clock, "more", second=-10))
    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": "more"}]


def test_what_does_not_fit_any_more_holds_up_nobody(features: Features, clock: ManualClock, data: Data) -> None:
    """The data set got another type between push and fold: that file is laid aside and said, the rest is folded."""
    features.push("clicks", clicks(clock, "many"))
    features.push("clicks", clicks(clock, 5, second=-20))

    with pytest.raises(BadInput, match="pushed rows do not fit data:clicks") as caught:
        features.fold()

    aside = next((data._parts.root / "features").rglob("refused/*"))
    assert str(aside) == caught.value.where
    assert features.fold() == []
    assert data.scan("clicks").collect()["count"].to_list() == ["many"]


def test_new_columns_of_pushed_rows_join_the_data_set(features: Features, clock: ManualClock, data: Data) -> None:
    """Rows without them have nulls there."""
    features.push("clicks", clicks(clock, 1))
    features.fold()
    features.push("clicks", clicks(clock, 2, second=-30).with_columns(page=pl.lit("home")))
    features.push("clicks", clicks(clock, 3, second=-20))
    features.fold()

    assert data.scan("clicks").collect()["page"].to_list() == [None, "home", None]


def test_a_rebuild_keeps_what_was_just_pushed(features: Features, clock: ManualClock) -> None:
    """Rows that wait for their data set are part of it before everything is written anew."""
    features.push("clicks", clicks(clock, 1))
    features.fold()
    features.materialize()
    features.push("clicks", clicks(clock, 2, second=-30))

    features.materialize(rebuild=True)

    assert features.online(["clicks:count"], [{"user": 7}]) == [{"count": 2}]
