"""Training sets made again, larger than memory, in local time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.features import Definition, Features, FeatureView, Observations, point_in_time
from stackcanvas.features.chunks import join_in_parts
from stackcanvas.metadata import Ref, Spine

Make = Callable[[Sequence[Definition]], Features]


def rows_of(clock: ManualClock, values: list[float]) -> pl.DataFrame:
    """One value an hour, the last one now."""
    hours = [clock.now() - timedelta(hours=len(values) - 1 - at) for at in range(len(values))]
    return pl.DataFrame({"key": "a", "event": hours, "value": values})


def view(*, ttl: str = "3h") -> FeatureView:
    """A value an hour."""
    return FeatureView("view", entity=["key"], source="rows", event_time="event", ttl=ttl, features=["value"])


@pytest.fixture
def features(make_features: Make, data: Data, clock: ManualClock) -> Features:
    """One view."""
    data.commit("rows", rows_of(clock, [1.0, float("nan"), -0.0, 4.0]))
    return make_features([view()])


def asked(clock: ManualClock) -> pl.DataFrame:
    """At each hour, and long after."""
    times = [clock.now() - timedelta(hours=hour) for hour in (3, 2, 1, 0, 5, -9)]
    return pl.DataFrame({"key": "a", "time": times, "late": [True, False] * 3})


@pytest.mark.parametrize("given_as", ["rows", "version"])
def test_a_training_set_is_made_again_by_its_ref(
    features: Features, data: Data, clock: ManualClock, given_as: str
) -> None:
    """From the versions that it was made of, whatever was committed since; the same bits, the same digest."""
    entities = data.commit("asked", asked(clock)).ref if given_as == "version" else asked(clock)
    first = features.training_set("training", entities, views=["view"], time="time")
    data.commit("rows", rows_of(clock, [9.0, 9.0]))
    second = features.training_set("training", entities, views=["view"], time="time")
    assert first.digest != second.digest

    verified = features.rebuild(first.ref, verify=True)
    made = features.rebuild(first.ref)

    assert (verified.equal, verified.rows, verified.made) == (True, 6, None)
    assert made.made is not None
    assert (made.equal, made.made.digest) == (True, first.digest)


def test_a_training_set_that_was_not_what_its_record_says(
    features: Features, data: Data, spine: Spine, clock: ManualClock
) -> None:
    """The answer is no, with the columns."""
    with spine.record(
        "features.training_set",
        subject=Ref("data", "training"),
        parameters={
            "views": ["view"],
            "time": "time",
            "versions": {"rows": "data:rows@1"},
            "definitions": {"view": str(view().ref)},
        },
    ):
        forged = data.commit("training", asked(clock).with_columns(value=pl.lit(0.0)))

    found = features.rebuild(forged.ref, verify=True)

    assert (found.equal, found.differs) == (False, ("value",))


def test_a_view_that_was_changed_since(features: Features, make_features: Make, clock: ManualClock) -> None:
    """The commit that had it is named."""
    made = features.training_set("training", asked(clock), views=["view"], time="time")

    with pytest.raises(Conflict, match=r"view 'view' is defined differently since.*Check out commit c0ffee"):
        make_features([view(ttl="1h")]).rebuild(made.ref)


def test_only_training_sets_are_made_again(features: Features) -> None:
    """Other data have no recipe."""
    with pytest.raises(BadInput, match="data:rows@1 was not made as a training set"):
        features.rebuild("rows")


def test_times_without_a_zone_are_in_the_zone_that_is_given(make_features: Make, data: Data) -> None:
    """Of the hour that is repeated the view's rows count late and the question early: nothing is known too soon."""
    wall = [datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)]  # noqa: DTZ001
    data.commit("rows", pl.DataFrame({"key": ["a", "a", "b"], "event": wall, "value": [1.0, 2.0, 3.0]}))
    local = FeatureView(
        "view", entity=["key"], source="rows", event_time="event", features=["value"], timezone="Europe/Berlin"
    )
    features = make_features([local])
    asked_at = pl.Series(["2026-10-25T00:45Z", "2026-10-25T01:30Z"]).str.to_datetime("%Y-%m-%dT%H:%M%#z")

    found = features.join(pl.DataFrame({"key": ["a", "a"], "time": asked_at}), ["view"], time="time")
    naive = pl.DataFrame(
        {"key": ["a", "a", "b"], "time": [wall[1], wall[1] + timedelta(hours=1), wall[2] + timedelta(hours=1)]}
    )
    early = features.join(naive, ["view"], time="time", timezone="Europe/Berlin")

    assert found["value"].to_list() == [1.0, 2.0]
    assert early["value"].to_list() == [1.0, 2.0, 3.0]
    with pytest.raises(BadInput, match="says no time zone"):
        features.join(naive, ["view"], time="time")


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_part_by_part_is_the_same_as_in_memory(seed: int) -> None:
    """Small parts of entity rows over small parts of views, with ties, nulls, late knowledge and two keys."""
    rng = np.random.default_rng(seed)

    def frame(rows: int) -> pl.DataFrame:
        event = 1_700_000_000_000_000 + rng.integers(0, 50, rows)
        keys = pl.Series([None if draw < 0.1 else int(draw * 9) for draw in rng.random(rows)], dtype=pl.Int64)
        instant = pl.Datetime("us", "UTC")
        columns = {"key": keys, "b": rng.integers(0, 3, rows), "event": pl.Series(event).cast(instant)}
        return pl.DataFrame(
            {**columns, "known": pl.Series(event + rng.integers(-5, 15, rows)).cast(instant), "v": rng.random(rows)}
        )

    entities = frame(100).select("key", pl.col("b").cast(pl.Int32), time="event", order="v")
    views = [
        Observations(
            name=f"v{at}",
            frame=frame(120).rename({"v": f"f{at}"}).lazy(),
            keys=("key", "b") if at else ("key",),
            event_time="event",
            known_time="known" if at == 1 else None,
            ttl=timedelta(microseconds=20) if at == 2 else None,
            features=(f"f{at}",),
        )
        for at in range(3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        parts = list(
            join_in_parts(entities.lazy(), views, time="time", scratch=Path(folder), entity_rows=17, view_rows=31)
        )

    assert len(parts) > 1
    assert pl.concat(parts).equals(point_in_time(entities, views, time="time"))


def test_a_large_training_set_is_made_from_files(
    features: Features, data: Data, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same version as in memory, and made again likewise."""
    entities = data.commit("asked", pl.concat([asked(clock)] * 50))
    small = features.training_set("training", entities.ref, views=["view"], time="time")

    monkeypatch.setattr("stackcanvas.features.training.ENTITY_ROWS", 64)
    large = features.training_set("training", "asked", views=["view"], time="time")

    assert (large.ref, large.digest) == (small.ref, small.digest)
    assert features.rebuild(large.ref, verify=True).equal


@pytest.mark.parametrize("given_as", ["lazy", "dictionaries", "pandas", "arrow", "csv", "parquet", "version"])
def test_entity_rows_come_in_any_form(
    features: Features, data: Data, clock: ManualClock, tmp_path: Path, given_as: str
) -> None:
    """Every form gives the same training set."""
    rows = asked(clock)
    rows.write_csv(tmp_path / "asked.csv")
    rows.write_parquet(tmp_path / "asked.parquet")
    data.commit("asked", rows)
    forms: dict[str, Callable[[], Any]] = {
        "lazy": rows.lazy,
        "dictionaries": rows.to_dicts,
        "pandas": rows.to_pandas,
        "arrow": lambda: rows.to_arrow().to_reader(),
        "csv": lambda: tmp_path / "asked.csv",
        "parquet": lambda: tmp_path / "asked.parquet",
        "version": lambda: "asked",
    }
    expected = features.join(rows, ["view"], time="time")["value"].to_list()

    made = features.training_set("training", forms[given_as](), views=["view"], time="time")

    found = [features.join(forms[given_as](), ["view"], time="time"), data.read(str(made.ref))]
    assert [str(one["value"].to_list()) for one in found] == [str(expected)] * 2


def test_times_of_a_file_that_say_no_zone_are_refused(features: Features, clock: ManualClock, tmp_path: Path) -> None:
    """Unless the zone is given."""
    naive = asked(clock).with_columns(pl.col("time").dt.replace_time_zone(None))
    naive.write_csv(tmp_path / "asked.csv")

    with pytest.raises(BadInput, match="which says no time zone"):
        features.join(tmp_path / "asked.csv", ["view"], time="time")

    found = features.join(tmp_path / "asked.csv", ["view"], time="time", timezone="UTC")
    assert str(found["value"]) == str(features.join(asked(clock), ["view"], time="time")["value"])


def test_a_frame_without_rows_need_not_know_its_types(features: Features) -> None:
    """Such as one that was made of empty lists."""
    assert features.join(pl.DataFrame({"key": [], "time": []}), ["view"], time="time").columns[-1] == "value"


@pytest.mark.parametrize(("stamp", "expected"), [(1 << 62, None), (-(1 << 62), 7.0)])
def test_instants_beyond_all_calendars(stamp: int, expected: float | None) -> None:
    """They are later or earlier than everything, and do not come round at the other end."""
    times = pl.Series([stamp]).cast(pl.Datetime("ms", "UTC"))
    rows = pl.DataFrame({"key": ["a"], "event": times, "value": [7.0]})
    one = Observations(name="one", frame=rows.lazy(), keys=("key",), event_time="event", features=("value",))
    now = pl.DataFrame({"key": ["a"], "time": [datetime(2026, 1, 1, tzinfo=UTC)]})

    assert point_in_time(now, [one], time="time")["value"].to_list() == [expected]
    asked_then = pl.DataFrame({"key": ["a"], "time": times})
    assert point_in_time(asked_then, [one], time="time")["value"].to_list() == [7.0]
