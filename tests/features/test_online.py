"""The online store gives what a training set would hold at the same instant."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.features import FeatureView, Observations, point_in_time
from stackcanvas.features.online import Online
from stackcanvas.testing.redis import RedisServer

START = datetime(2013, 5, 1, tzinfo=UTC)
Row = tuple[str | None, int | None, int | None, float | None]  # key, event minute, known minute, value


def at(minute: int) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minute)


def frame(rows: list[Row]) -> pl.LazyFrame:
    """The rows of a view."""
    instant = pl.Datetime("us", "UTC")
    return pl.LazyFrame(
        {
            "key": pl.Series([row[0] for row in rows], dtype=pl.String),
            "event": pl.Series([None if row[1] is None else at(row[1]) for row in rows], dtype=instant),
            "known": pl.Series([None if row[2] is None else at(row[2]) for row in rows], dtype=instant),
            "value": pl.Series([row[3] for row in rows], dtype=pl.Float64),
        }
    )


def view(*, ttl_min: int | None = None, known: bool = True, name: str = "view") -> FeatureView:
    """The definition over these rows."""
    return FeatureView(
        name,
        entity=["key"],
        source="rows",
        event_time="event",
        known_time="known" if known else None,
        ttl=None if ttl_min is None else timedelta(minutes=ttl_min),
        features=["value"],
    )


KEYS = st.sampled_from(["a", "b", None])
MINUTES = st.one_of(st.none(), st.integers(0, 8))
ROWS = st.lists(st.tuples(KEYS, MINUTES, MINUTES, st.one_of(st.none(), st.integers(0, 99).map(float))), max_size=25)


def offline(defined: FeatureView, rows: list[Row], minute: int) -> list[dict[str, Any]]:
    """What the join finds of both keys at an instant."""
    observations = Observations(
        name="view",
        frame=frame(rows),
        keys=("key",),
        event_time="event",
        known_time=defined.known_time,
        ttl=defined.ttl,
        features=("value",),
    )
    asked = pl.DataFrame({"key": ["a", "b"], "time": [at(minute)] * 2})
    return point_in_time(asked, [observations], time="time").select("value").to_dicts()


@contextmanager
def fresh(kind: str, server: RedisServer) -> Iterator[Online]:
    """An empty store of either kind."""
    with tempfile.TemporaryDirectory() as folder:
        url = server.url if kind == "redis" else f"sqlite:///{folder}/online.db"
        store = open_keyvalue(url, namespace=secrets.token_hex(6))
        yield Online(store)
        store.close()


BOTH = [{"key": "a"}, {"key": "b"}]
AGES = st.one_of(st.none(), st.integers(1, 5))


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
@given(rows=ROWS, steps=st.lists(st.integers(0, 9), min_size=1, max_size=4), ttl_min=AGES, known=st.booleans())
def test_online_equals_offline(  # noqa: PLR0917 - hypothesis passes them by name
    redis_server: RedisServer, kind: str, rows: list[Row], steps: list[int], ttl_min: int | None, known: bool
) -> None:
    """Brought up to date in steps of any size, each key has online what the join finds at that instant."""
    defined = view(ttl_min=ttl_min, known=known)
    with fresh(kind, redis_server) as online:
        after = None
        for minute in sorted(steps):
            online.put(defined, frame(rows), after=after, until=at(minute))
            after = at(minute)

            found = online.get([(defined, ["value"])], BOTH, now=at(minute))

            assert found == offline(defined, rows, minute)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
@given(rows=ROWS, again=st.lists(st.integers(0, 24), max_size=5), ttl_min=AGES, known=st.booleans())
@example(rows=[("a", 1, 5, 1.0), ("a", 1, 3, 2.0)], again=[], ttl_min=None, known=True)
def test_a_stream_in_any_order_equals_offline(  # noqa: PLR0917 - hypothesis passes them by name
    redis_server: RedisServer, kind: str, rows: list[Row], again: list[int], ttl_min: int | None, known: bool
) -> None:
    """Row by row as they happen to come, some of them twice: what counts is what the join of all of them finds."""
    defined = view(ttl_min=ttl_min, known=known)
    pushed = rows + [rows[at_row] for at_row in again if at_row < len(rows)]
    with fresh(kind, redis_server) as online:
        for row in pushed:
            online.put(defined, frame([row]), after=None, until=at(9))

        assert online.get([(defined, ["value"])], BOTH, now=at(9)) == offline(defined, pushed, 9)


def test_an_older_row_never_replaces_a_newer_one(store: KeyValue) -> None:
    """Whatever order the writers come in."""
    online = Online(store)

    assert online.put(view(), frame([("a", 5, 5, 5.0)]), after=None, until=at(9)) == 1
    assert online.put(view(), frame([("a", 3, 3, 3.0)]), after=None, until=at(9)) == 0

    assert online.get([(view(), ["value"])], [{"key": "a"}], now=at(9)) == [{"value": 5.0}]


def test_age_is_told_at_the_time_of_reading(store: KeyValue) -> None:
    """Both ends inside: at exactly the time to live a value still counts."""
    online, defined = Online(store), view(ttl_min=3)
    online.put(defined, frame([("a", 1, 1, 1.0)]), after=None, until=at(1))

    found = [online.get([(defined, ["value"])], [{"key": "a"}], now=at(minute))[0]["value"] for minute in (1, 4, 5)]

    assert found == [1.0, 1.0, None]


def test_another_definition_is_another_place(store: KeyValue) -> None:
    """Values of an old definition are never read as those of a new one, and can be dropped."""
    online, old, new = Online(store), view(), view(ttl_min=600)
    online.put(old, frame([("a", 1, 1, 1.0)]), after=None, until=at(1))
    online.put(new, frame([("a", 1, 1, 2.0)]), after=None, until=at(1))

    online.drop_others(new)

    assert online.get([(old, ["value"])], [{"key": "a"}], now=at(1)) == [{"value": None}]
    assert online.get([(new, ["value"])], [{"key": "a"}], now=at(1)) == [{"value": 2.0}]


VALUES: dict[str, Any] = {
    "small": pl.Series([7], dtype=pl.UInt8),
    "large": pl.Series([2**64 - 1], dtype=pl.UInt64),
    "single": pl.Series([0.1], dtype=pl.Float32),
    "text": ["JFK"],
    "flag": [True],
    "instant": [START],
    "list": [[1.5, None]],
    "bytes": [b"\0\xff"],
    "nothing": pl.Series([None], dtype=pl.String),
    "infinite": [float("inf")],
}


def test_values_come_back_as_they_were(store: KeyValue) -> None:
    """Every type that is kept."""
    rows = pl.LazyFrame({"key": pl.Series([1], dtype=pl.Int32), "event": [START], **VALUES})
    defined = FeatureView("all", entity=["key"], source="rows", event_time="event", features=list(VALUES))
    online = Online(store)
    online.put(defined, rows, after=None, until=START)

    found = online.get([(defined, defined.features)], [{"key": 1}], now=START)

    assert found == rows.select(list(VALUES)).collect().to_dicts()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"value": [date(2013, 5, 1)]}, "the feature 'value' is of type Date"),
        ({"value": [datetime(2013, 5, 1)]}, "the feature 'value' is of type Datetime"),  # noqa: DTZ001 - that is the point
        ({"value": [timedelta(1)]}, "the feature 'value' is of type Duration"),
        ({"value": [[date(2013, 5, 1)]]}, "the feature 'value' is of type List"),
        ({"key": [1.5]}, "the key 'key' is of type Float64"),
        ({"key": [date(2013, 5, 1)]}, "the key 'key' is of type Date"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(
    store: KeyValue, values: dict[str, list[Any]], said: str
) -> None:
    """Before anything is written."""
    rows = pl.LazyFrame({"key": ["a"], "event": [START], "value": [1.0], **values})

    with pytest.raises(BadInputs, match=said):
        Online(store).put(view(known=False), rows, after=None, until=START)

    assert list(store.scan(b"")) == []


def test_keys_stored_as_categories_are_read_as_text(store: KeyValue) -> None:
    """How a column is stored does not change what it says."""
    rows = frame([("a", 1, 1, 1.0)]).with_columns(pl.col("key").cast(pl.Categorical))
    online = Online(store)
    online.put(view(), rows, after=None, until=at(1))

    assert online.get([(view(), ["value"])], [{"key": "a"}], now=at(1)) == [{"value": 1.0}]


def test_several_views_and_keys_at_once(store: KeyValue) -> None:
    """Each row in its place; a key that nobody knows gives nothing."""
    online, first, second = Online(store), view(), view(name="second")
    online.put(first, frame([("a", 1, 1, 1.0), ("b", 1, 1, 2.0)]), after=None, until=at(1))
    online.put(second, frame([("b", 1, 1, 3.0)]), after=None, until=at(1))

    keys: list[dict[str, object]] = [{"key": "b", "more": 1}, {"key": "c"}, {"key": None}, {"key": "a"}]

    assert online.get([(first, ["value"])], keys, now=at(1)) == [{"value": one} for one in (2.0, None, None, 1.0)]
    assert online.get([(second, ["value"])], keys, now=at(1))[0] == {"value": 3.0}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({"other": 1}, "lacks the key 'key'"),
        ({"key": 1.0}, "the key 'key' is 1.0"),
        ({"key": ["a"]}, "the key 'key' is"),
    ],
)
def test_a_key_that_no_row_can_have_is_refused(store: KeyValue, key: dict[str, object], said: str) -> None:
    """Instead of an answer that looks like nothing is known."""
    with pytest.raises(BadInput, match=said):
        Online(store).get([(view(), ["value"])], [key], now=START)
