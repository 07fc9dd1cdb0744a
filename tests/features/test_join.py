"""The point-in-time join against a reference that looks at every pair of rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.features.join import Observations, point_in_time

START = datetime(2013, 5, 1, tzinfo=UTC)
Row = tuple[str | None, int | None, int | None, float | None]  # key, event minute, known minute, value
Asked = tuple[str | None, int | None]  # key, minute


def at(minute: int | None) -> datetime | None:
    """So many minutes after the start."""
    return None if minute is None else START + timedelta(minutes=minute)


def view(
    rows: Iterable[Row], *, name: str = "view", known: bool = True, ttl_min: int | None = None, value: str = "value"
) -> Observations:
    """A view over the rows."""
    listed = list(rows)
    frame = pl.LazyFrame(
        {
            "key": pl.Series([row[0] for row in listed], dtype=pl.String),
            "event": pl.Series([at(row[1]) for row in listed], dtype=pl.Datetime("us", "UTC")),
            "known": pl.Series([at(row[2]) for row in listed], dtype=pl.Datetime("us", "UTC")),
            value: pl.Series([row[3] for row in listed], dtype=pl.Float64),
        }
    )
    return Observations(
        name=name,
        frame=frame,
        keys=("key",),
        event_time="event",
        known_time="known" if known else None,
        ttl=None if ttl_min is None else timedelta(minutes=ttl_min),
        features=(value,),
    )


def asked(rows: Iterable[Asked]) -> pl.DataFrame:
    """Entity rows, with a column that must be carried along."""
    listed = list(rows)
    return pl.DataFrame(
        {
            "key": pl.Series([row[0] for row in listed], dtype=pl.String),
            "time": pl.Series([at(row[1]) for row in listed], dtype=pl.Datetime("us", "UTC")),
            "order": list(range(len(listed))),
        },
        schema_overrides={"order": pl.Int64},
    )


def reference(rows: list[Row], who: Asked, *, known: bool, ttl_min: int | None) -> float | None:
    """The value by looking at every row."""
    key, minute = who
    if key is None or minute is None:
        return None
    best: tuple[int, int, int] | None = None
    for order, (row_key, event, known_at, _) in enumerate(rows):
        knows = known_at if known else event
        if row_key != key or event is None or knows is None or max(event, knows) > minute:
            continue
        best = max(best, (event, knows, order)) if best else (event, knows, order)
    if best is None or (ttl_min is not None and best[0] < minute - ttl_min):
        return None
    return rows[best[2]][3]


def values(entities: Iterable[Asked], *views: Observations) -> list[Any]:
    """The joined values of the first view."""
    return point_in_time(asked(entities), views, time="time")[views[0].features[0]].to_list()


KEYS = st.sampled_from(["a", "b", None])
MINUTES = st.one_of(st.none(), st.integers(0, 8))
VALUES = st.one_of(st.none(), st.integers(0, 99).map(float))
ROWS = st.lists(st.tuples(KEYS, MINUTES, MINUTES, VALUES), max_size=30)
ASKED = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(-1, 10))), max_size=20)


@given(ROWS, ASKED, st.booleans(), st.one_of(st.none(), st.integers(1, 5)))
@example([("a", 1, 5, 1.0), ("a", 2, 3, 2.0)], [("a", 4), ("a", 5)], True, None)
@example([("a", 1, 1, 1.0), ("a", 1, 4, 2.0)], [("a", 3), ("a", 4)], True, 3)
def test_equals_the_reference(rows: list[Row], entities: list[Asked], known: bool, ttl_min: int | None) -> None:
    """Whatever ties, nulls, late corrections and duplicates there are, each row gets what the reference finds."""
    expected = [reference(rows, who, known=known, ttl_min=ttl_min) for who in entities]

    assert expected == values(entities, view(rows, known=known, ttl_min=ttl_min))


@given(ROWS, ASKED)
def test_keeps_the_entity_rows(rows: list[Row], entities: list[Asked]) -> None:
    """There is one output row for each entity row, in the same order, duplicates and nulls included."""
    before = asked(entities)

    after = point_in_time(before, [view(rows)], time="time")

    assert before.equals(after.select(before.columns))


@given(ROWS, ASKED, st.integers(0, 8), st.integers(1, 9))
def test_later_knowledge_changes_nothing_before_it(
    rows: list[Row], entities: list[Asked], event: int, delay: int
) -> None:
    """A planted value that becomes known in the future is seen by nobody who asks before."""
    known = event + delay
    planted: Row = ("a", event, known, 12345.0)
    before = values(entities, view(rows))

    after = values(entities, view([*rows, planted]))

    for (_, minute), old, new in zip(entities, before, after, strict=True):
        assert old == new or (minute is not None and minute >= known)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 8), st.integers(0, 8), VALUES), max_size=30), ASKED
)
def test_the_order_of_rows_matters_only_for_exact_ties(rows: list[Row], entities: list[Asked]) -> None:
    """Reversing a view whose (key, event, known) are unique changes nothing."""
    unique = list({row[:3]: row for row in rows}.values())

    assert values(entities, view(unique)) == values(entities, view(unique[::-1]))


def test_a_late_correction_replaces_the_value_only_once_it_is_known() -> None:
    """What was known before the correction stays what it was."""
    rows: list[Row] = [("a", 1, 2, 10.0), ("a", 1, 6, 11.0)]

    assert values([("a", 1), ("a", 2), ("a", 5), ("a", 6), ("a", 9)], view(rows)) == [None, 10.0, 10.0, 11.0, 11.0]


def test_an_old_event_that_becomes_known_late_does_not_replace_a_newer_one() -> None:
    """The current row is the one of the latest event among those known."""
    rows: list[Row] = [("a", 3, 3, 3.0), ("a", 1, 5, 1.0)]

    assert values([("a", 6)], view(rows)) == [3.0]


def test_knowledge_before_the_event_waits_for_the_event() -> None:
    """A forecast is not available before the instant it speaks of."""
    assert values([("a", 4), ("a", 5)], view([("a", 5, 1, 7.0)])) == [None, 7.0]


def test_both_ends_of_the_window_are_inside() -> None:
    """An event exactly at the asked time and one exactly as old as the time to live are both seen."""
    assert values([("a", 2), ("a", 5), ("a", 6)], view([("a", 2, 2, 1.0)], ttl_min=3)) == [1.0, 1.0, None]


def test_the_age_counts_from_the_event_not_from_the_knowledge() -> None:
    """A row known a minute ago about an old event is too old."""
    assert values([("a", 8)], view([("a", 2, 7, 1.0)], ttl_min=3)) == [None]


def test_a_too_old_current_row_does_not_fall_back() -> None:
    """A null in the current row is the answer, although an older row has a value."""
    assert values([("a", 4)], view([("a", 1, 1, 1.0), ("a", 2, 2, None)])) == [None]


def test_of_equal_rows_the_last_one_counts() -> None:
    """Rows that tie on event and knowledge time are decided by their position."""
    rows: list[Row] = [("a", 1, 1, float(value)) for value in range(50)]

    assert values([("a", 1), ("a", 3)], view(rows)) == [49.0, 49.0]
    assert values([("a", 3)], view(rows, known=False)) == [49.0]


def test_several_views_are_joined_each_by_its_own_rule() -> None:
    """Time to live and knowledge time of one view do not touch another."""
    rows: list[Row] = [("a", 1, 4, 1.0)]
    views = [
        view(rows, value="later"),
        view(rows, value="plain", known=False),
        view(rows, value="fresh", known=False, ttl_min=1),
    ]

    found = point_in_time(asked([("a", 3)]), views, time="time")

    assert found.select("later", "plain", "fresh").rows() == [(None, 1.0, None)]


def test_several_keys() -> None:
    """All keys must agree; a null in any of them matches nothing."""
    frame = pl.LazyFrame({"a": [1, 1, None], "b": ["x", "y", "z"], "event": [START] * 3, "value": [1.0, 2.0, 3.0]})
    entities = pl.DataFrame({"a": [1, 1, 2, None], "b": ["y", "x", "x", "z"], "time": [START] * 4})
    both = Observations(name="both", frame=frame, keys=("a", "b"), event_time="event", features=("value",))

    assert point_in_time(entities, [both], time="time")["value"].to_list() == [2.0, 1.0, None, None]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pl.Int64, pl.Int32),
        (pl.UInt64, pl.Int8),
        (pl.Int16, pl.UInt32),
        (pl.String, pl.Categorical),
        (pl.Enum(["1", "2"]), pl.String),
        (pl.Date, pl.Date),
        (pl.Boolean, pl.Boolean),
    ],
)
def test_keys_of_kindred_types_meet(left: pl.DataType, right: pl.DataType) -> None:
    """Whole numbers of any width match each other, and so do texts however they are stored."""
    raw: list[object] = [1, 2] if left.is_integer() else ["1", "2"]
    if left in (pl.Date, pl.Boolean):
        raw = [date(2013, 5, 1), date(2013, 5, 2)] if left == pl.Date else [True, False]
    frame = pl.DataFrame({"key": pl.Series(raw).cast(right), "event": [START] * 2, "value": [1.0, 2.0]}).lazy()
    entities = pl.DataFrame({"key": pl.Series(raw).cast(left), "time": [START] * 2})
    one = Observations(name="one", frame=frame, keys=("key",), event_time="event", features=("value",))

    joined = point_in_time(entities, [one], time="time")

    assert joined["value"].to_list() == [1.0, 2.0]
    assert entities.schema["key"] == joined.schema["key"]


def test_keys_of_different_kinds_are_refused() -> None:
    """A number never matches a text in silence."""
    entities = asked([("a", 1)]).with_columns(key=pl.lit(1))

    with pytest.raises(BadInput, match="key 'key' is Int32 in the entity rows and String in the view"):
        point_in_time(entities, [view([("a", 1, 1, 1.0)])], time="time")


def test_fractional_keys_are_refused() -> None:
    """Floating point numbers are no identity."""
    entities = asked([("a", 1)]).with_columns(key=pl.lit(1.0))
    fractional = view([("a", 1, 1, 1.0)])
    floats = Observations(
        name="floats",
        frame=fractional.frame.with_columns(key=pl.lit(1.0)),
        keys=("key",),
        event_time="event",
        features=("value",),
    )

    with pytest.raises(BadInput, match="whole numbers, text, dates or booleans"):
        point_in_time(entities, [floats], time="time")


def test_instants_are_compared_whatever_their_zone() -> None:
    """New York's eight o'clock is noon in UTC."""
    new_york = ZoneInfo("America/New_York")
    entities = asked([("a", 12 * 60)]).with_columns(pl.col("time").dt.convert_time_zone("Asia/Tokyo"))
    frame = pl.LazyFrame(
        {
            "key": ["a", "a"],
            "event": [datetime(2013, 5, 1, 8, 0, tzinfo=new_york), datetime(2013, 5, 1, 8, 1, tzinfo=new_york)],
            "value": [1.0, 2.0],
        }
    )
    local = Observations(name="local", frame=frame, keys=("key",), event_time="event", features=("value",))

    assert point_in_time(entities, [local], time="time")["value"].to_list() == [1.0]


@pytest.mark.parametrize("side", ["entities", "view"])
@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Date, pl.Int64, pl.String])
def test_times_without_a_zone_are_refused(side: str, dtype: pl.DataType) -> None:
    """An instant says its zone; the error says how to give it one."""
    naive = pl.lit(0).cast(dtype)
    entities = asked([("a", 1)])
    one = view([("a", 1, 1, 1.0)])
    if side == "entities":
        entities = entities.with_columns(time=naive)
    else:
        one = Observations(
            name="naive",
            frame=one.frame.with_columns(event=naive),
            keys=("key",),
            event_time="event",
            features=("value",),
        )

    with pytest.raises(BadInput, match="instants with a time zone") as caught:
        point_in_time(entities, [one], time="time")

    assert "time_zone" in str(caught.value)


def test_rounding_never_lets_a_value_in_early() -> None:
    """A row known a nanosecond after the asked microsecond stays out; coarser units are exact."""
    base = 1_367_366_400_000_000_000
    entities = pl.DataFrame(
        {"key": ["a", "a"], "time": pl.Series([base + 1999, base + 2000]).cast(pl.Datetime("ns", "UTC"))}
    )
    frame = pl.LazyFrame(
        {"key": ["a"], "event": pl.Series([base + 1001]).cast(pl.Datetime("ns", "UTC")), "value": [1.0]}
    )
    fine = Observations(name="fine", frame=frame, keys=("key",), event_time="event", features=("value",))
    coarse = Observations(
        name="coarse",
        frame=frame.select("key", coarse="value", event=pl.col("event").dt.cast_time_unit("ms")),
        keys=("key",),
        event_time="event",
        features=("coarse",),
    )

    joined = point_in_time(entities, [fine, coarse], time="time")

    assert joined["value"].to_list() == [None, 1.0]
    assert joined["coarse"].to_list() == [1.0, 1.0]


def test_features_keep_their_types() -> None:
    """Lists, structs, text and integers come through as they are."""
    frame = pl.LazyFrame(
        {
            "key": ["a"],
            "event": [START],
            "list": [[1, 2]],
            "struct": [{"x": 1}],
            "text": ["t"],
            "small": pl.Series([1], dtype=pl.UInt8),
        }
    )
    features = ("list", "struct", "text", "small")
    one = Observations(name="one", frame=frame, keys=("key",), event_time="event", features=features)

    joined = point_in_time(asked([("a", 1), ("b", 1)]), [one], time="time")

    assert frame.collect_schema().items() >= {name: joined.schema[name] for name in features}.items()
    assert joined.select(features).rows() == [([1, 2], {"x": 1}, "t", 1), (None, None, None, None)]


def test_empty_frames() -> None:
    """Nothing known gives nulls, nothing asked gives no rows; the columns are there."""
    assert values([("a", 1)], view([])) == [None]
    assert values([], view([("a", 1, 1, 1.0)])) == []


def test_a_feature_that_would_appear_twice_is_refused() -> None:
    """The error names both places."""
    with pytest.raises(BadInput, match="'value' of view second is already a column of view first"):
        point_in_time(asked([("a", 1)]), [view([], name="first"), view([], name="second")], time="time")
    with pytest.raises(BadInput, match="'order' of view view is already a column of the entity rows"):
        point_in_time(asked([("a", 1)]), [view([], value="order")], time="time")


def test_a_missing_column_is_named() -> None:
    """With the nearest name that is there."""
    frame = view([]).frame
    wrong = Observations(name="view", frame=frame, keys=("key",), event_time="evnt", features=("value",))

    with pytest.raises(NotFound, match=r"entity rows: There is no column 'tiem'.*'time'"):
        point_in_time(asked([]), [], time="tiem")
    with pytest.raises(NotFound, match=r"view view: There is no column 'evnt'.*'event'"):
        point_in_time(asked([]), [wrong], time="time")
