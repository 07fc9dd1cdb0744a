"""The features of the flights example: nothing of the future gets into them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.examples.flights import features as example
from stackcanvas.features import FeatureView, Observations, point_in_time

DATA = Path(str(files("stackcanvas") / "examples" / "flights" / "data"))
PLANTED = 10_000  # minutes late, which no flight ever was
DAY = datetime(2013, 3, 1, 12, tzinfo=UTC)
VIEWS: dict[str, FeatureView] = {one.name: one for one in vars(example).values() if isinstance(one, FeatureView)}


@pytest.fixture(scope="module")
def sources() -> dict[str, pl.DataFrame]:
    """The shipped tables; of flights and weather two weeks."""
    first, last = DAY - timedelta(days=13), DAY + timedelta(days=1)
    return {
        "flights": pl.read_parquet(DATA / "flights.parquet").filter(pl.col("scheduled").is_between(first, last)),
        "weather": pl.read_parquet(DATA / "weather.parquet").filter(pl.col("hour").is_between(first, last)),
        "planes": pl.read_parquet(DATA / "planes.parquet"),
    }


def join(sources: Mapping[str, pl.DataFrame], entities: pl.DataFrame) -> pl.DataFrame:
    """All views joined to the entity rows."""
    observations = [
        Observations(
            name=view.name,
            frame=view.rows(sources[view.source].lazy()),
            keys=view.keys,
            event_time=view.event_time,
            known_time=view.known_time,
            ttl=view.ttl,
            features=view.features,
        )
        for view in (VIEWS[name] for name in example.VIEWS)
    ]
    return point_in_time(entities, observations, time="time")


@pytest.fixture(scope="module")
def asked(sources: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """The flights that leave within the hours around noon."""
    around = pl.col("scheduled").is_between(DAY, DAY + timedelta(hours=6))
    return example.departures(sources["flights"].lazy()).filter(around).collect()


def test_every_view_and_feature_is_defined_once(sources: dict[str, pl.DataFrame], asked: pl.DataFrame) -> None:
    """The lists that pipelines use name what the views give, and the flight's own outcome is not among it."""
    joined = join(sources, asked)

    assert sorted(example.VIEWS) == sorted(VIEWS)
    assert len(set(example.FEATURES)) == len(example.FEATURES)
    assert set(example.FEATURES) <= set(joined.columns)
    assert not {name for name in example.FEATURES if "arr_delay" in name or "dep_delay" in name or name == "late"}
    assert joined.height == asked.height


def test_a_planted_delay_of_the_future_is_left_out(sources: dict[str, pl.DataFrame], asked: pl.DataFrame) -> None:
    """Whatever flights do that land after the prediction, its features stay as they are."""
    before = join(sources, asked)
    latest = asked["time"].max()
    flights = sources["flights"]
    lands = pl.col("scheduled_arrival") + pl.duration(minutes="arr_delay_min")
    planted = flights.with_columns(
        arr_delay_min=pl.when(lands > latest).then(pl.lit(PLANTED, dtype=pl.Int16)).otherwise("arr_delay_min"),
        dep_delay_min=pl.when(lands > latest).then(pl.lit(PLANTED, dtype=pl.Int16)).otherwise("dep_delay_min"),
    )

    assert not planted.equals(flights)
    assert join({**sources, "flights": planted}, asked).equals(before)


def test_a_delay_counts_from_the_minute_of_the_landing(sources: dict[str, pl.DataFrame], asked: pl.DataFrame) -> None:
    """A planted flight is seen by predictions from its landing on, and by none before."""
    landed = DAY - timedelta(hours=1)
    extra = sources["flights"].filter(pl.col("origin") == "JFK").head(1)
    extra = extra.with_columns(
        arr_delay_min=pl.lit(PLANTED, dtype=pl.Int16), scheduled_arrival=pl.lit(landed - timedelta(minutes=PLANTED))
    ).select(sources["flights"].columns)
    flights = pl.concat([sources["flights"], extra.cast(sources["flights"].schema)])

    joined = join({**sources, "flights": flights}, asked).filter(pl.col("origin") == "JFK")
    changed = joined.join(join(sources, asked), on=["carrier", "flight", "scheduled"]).filter(
        pl.col("origin_delay_1d") != pl.col("origin_delay_1d_right")
    )

    assert joined.filter(pl.col("time") < landed).height > 0
    assert changed["time"].min() >= landed  # type: ignore[operator]
    assert changed.height == joined.filter(pl.col("time") >= landed).height


def test_weather_is_known_an_hour_after_its_stamp(sources: dict[str, pl.DataFrame]) -> None:
    """At half past nine the observation of eight is the newest that anybody has read."""
    hour = datetime(2013, 3, 1, 8, tzinfo=UTC)
    times = [hour + timedelta(minutes=minutes) for minutes in (59, 60, 90, 120)]
    asked = pl.DataFrame({"origin": "JFK", "tailnum": "N1", "carrier": "AA", "dest": "LAX", "time": times})
    temp = sources["weather"].filter(pl.col("origin") == "JFK")["hour", "temp"]
    by_hour = dict(temp.iter_rows())

    found = join(sources, asked)["temp"].to_list()

    assert found == [by_hour[hour + timedelta(hours=offset)] for offset in (-1, 0, 0, 1)]


def test_rolling_delays_equal_a_plain_count(sources: dict[str, pl.DataFrame], asked: pl.DataFrame) -> None:
    """The features of one flight, computed by hand from the flights that had landed."""
    one = asked.filter(pl.col("origin") == "EWR").head(1)
    outcomes = example.outcomes(sources["flights"].lazy()).collect().filter(pl.col("origin") == "EWR")
    time = one["time"].item()
    last = outcomes.filter(pl.col("landed") <= time)["landed"].max()
    assert isinstance(last, datetime)
    recent = outcomes.filter(pl.col("landed").is_between(last - timedelta(hours=3), last, closed="right"))

    found = join(sources, one).row(0, named=True)

    assert found["origin_landed_3h"] == recent.height
    assert found["origin_delay_3h"] == pytest.approx(recent["arr_delay_min"].mean(), rel=1e-6)
    assert found["origin_late_3h"] == pytest.approx((recent["arr_delay_min"] > 15).mean(), rel=1e-6)
