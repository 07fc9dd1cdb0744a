"""The flights of 2013 as the world saw them: at each instant only what had happened by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

LATE_MIN = 15
AHEAD = timedelta(hours=2)
KEY = ("carrier", "flight", "origin", "dest", "scheduled")


@dataclass(frozen=True, slots=True)
class Feed:
    """What airport, weather service and register of planes send.

    Args:
        flights: every flight of the year, with `landed` beside the published columns.
        weather: hourly observations.
        planes: the register.
    """

    flights: pl.DataFrame
    weather: pl.DataFrame
    planes: pl.DataFrame

    def known(self, now: datetime) -> pl.DataFrame:
        """The flights that were scheduled up to an instant, with the outcomes that were known by then."""
        departed = pl.col("scheduled") + pl.duration(minutes="dep_delay_min") <= now
        told = {"dep_delay_min": departed, "arr_delay_min": pl.col("landed") <= now}
        scheduled = self.flights.filter(pl.col("scheduled") <= now)
        return scheduled.with_columns(pl.when(by).then(name).alias(name) for name, by in told.items()).drop("landed")

    def observed(self, now: datetime) -> pl.DataFrame:
        """The observations that were published up to an instant: an hour after their stamp."""
        return self.weather.filter(pl.col("hour") + timedelta(hours=1) <= now)

    def outcomes(self, start: datetime, end: datetime) -> pl.DataFrame:
        """The flights that landed between two instants, with whether they were late."""
        landed = self.flights.filter(pl.col("landed").is_between(start, end, closed="left"))
        return landed.select(*KEY, "landed", late=pl.col("arr_delay_min") > LATE_MIN)


def read_feed(folder: Path) -> Feed:
    """The feed from the files of the flights template."""
    flights = pl.read_parquet(folder / "flights.parquet")
    landed = pl.col("scheduled_arrival") + pl.duration(minutes="arr_delay_min")
    return Feed(
        flights.with_columns(landed=landed).sort("scheduled", "carrier", "flight"),
        pl.read_parquet(folder / "weather.parquet"),
        pl.read_parquet(folder / "planes.parquet"),
    )
