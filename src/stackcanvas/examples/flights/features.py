"""What is known of a flight two hours before it is to leave.

The question: will it arrive more than 15 minutes late? What a flight itself turns out to do (its `dep_delay_min`, above
all) is never a feature of it; delays enter only through flights that have landed by then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl

import stackcanvas as sc

AHEAD = timedelta(hours=2)
LATE_MIN = 15
NEW_YORK = "America/New_York"

OBSERVED = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
PLANE = ["plane_year", "plane_seats"]
SCHEDULE = ["carrier", "origin", "dest", "minute_of_day", "weekday", "planned_min", "distance_miles"]
WINDOWS = ["3h", "1d"]


def departures(flights: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each flight that is to leave: its keys, the instant of its prediction and its schedule."""
    local = pl.col("scheduled").dt.convert_time_zone(NEW_YORK)
    minute_of_day = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()
    planned = pl.col("scheduled_arrival") - pl.col("scheduled")
    return flights.select(
        "carrier",
        "flight",
        "origin",
        "dest",
        "tailnum",
        "scheduled",
        time=pl.col("scheduled") - AHEAD,
        minute_of_day=minute_of_day.cast(pl.Float32),
        weekday=local.dt.weekday().cast(pl.Float32),
        planned_min=planned.dt.total_minutes().cast(pl.Float32),
        distance_miles=pl.col("distance_miles").cast(pl.Float32),
    )


def outcomes(flights: pl.LazyFrame) -> pl.LazyFrame:
    """When each flight landed and whether it was late; cancelled and diverted flights have no outcome."""
    landed = pl.col("scheduled_arrival") + pl.duration(minutes="arr_delay_min")
    return flights.filter(pl.col("arr_delay_min").is_not_null()).select(
        "carrier", "flight", "origin", "dest", "scheduled", "arr_delay_min", landed=landed, late=late()
    )


def late() -> pl.Expr:
    """Whether a flight arrived more than 15 minutes after its time."""
    return pl.col("arr_delay_min") > LATE_MIN


def observed(weather: pl.LazyFrame) -> pl.LazyFrame:
    """An observation is published within the hour after its stamp."""
    return weather.with_columns(published=pl.col("hour") + timedelta(hours=1))


def registered(planes: pl.LazyFrame) -> pl.LazyFrame:
    """The register of planes has no dates; it counts as known before the first flight."""
    return planes.select(
        "tailnum",
        registered=pl.lit(datetime(2012, 12, 1, tzinfo=UTC)),
        plane_year=pl.col("year").cast(pl.Float32),
        plane_seats=pl.col("seats").cast(pl.Float32),
    )


def recent_delays(flights: pl.LazyFrame, *, of: str) -> pl.LazyFrame:
    """At each landing: how late the flights of the same airport or carrier were that had landed by then."""
    delay = pl.col("arr_delay_min").cast(pl.Float64)
    share = late().cast(pl.Float64)
    landed = outcomes(flights).sort("landed")
    return landed.select(
        of,
        "landed",
        *(delay.rolling_mean_by("landed", w).over(of).cast(pl.Float32).alias(f"{of}_delay_{w}") for w in WINDOWS),
        *(share.rolling_mean_by("landed", w).over(of).cast(pl.Float32).alias(f"{of}_late_{w}") for w in WINDOWS),
        (delay * 0 + 1)
        .rolling_sum_by("landed", WINDOWS[0])
        .over(of)
        .cast(pl.Float32)
        .alias(f"{of}_landed_{WINDOWS[0]}"),
    )


def delay_features(of: str) -> list[str]:
    """The names of the features that `recent_delays` makes."""
    return [f"{of}_delay_{w}" for w in WINDOWS] + [f"{of}_late_{w}" for w in WINDOWS] + [f"{of}_landed_{WINDOWS[0]}"]


def delays_view(of: str) -> sc.FeatureView:
    """The recent delays of one origin, carrier or destination."""
    return sc.FeatureView(
        f"{of}_delays",
        entity=[of],
        source="flights",
        event_time="landed",
        ttl="1d",
        features=delay_features(of),
        transform=partial(recent_delays, of=of),
    )


weather = sc.FeatureView(
    "weather",
    entity=["origin"],
    source="weather",
    event_time="hour",
    known_time="published",
    ttl="6h",
    features=OBSERVED,
    transform=observed,
)
planes = sc.FeatureView(
    "planes",
    entity=["tailnum"],
    source="planes",
    event_time="registered",
    features=PLANE,
    transform=registered,
)
origin_delays = delays_view("origin")
carrier_delays = delays_view("carrier")
dest_delays = delays_view("dest")

VIEWS = ["weather", "planes", "origin_delays", "carrier_delays", "dest_delays"]
FEATURES = [
    *SCHEDULE,
    *OBSERVED,
    *PLANE,
    *(name for of in ("origin", "carrier", "dest") for name in delay_features(of)),
]
