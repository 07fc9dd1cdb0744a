"""The data that ship with the flights example."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from pathlib import Path

import polars as pl

DATA = Path(str(files("stackcanvas") / "examples" / "flights" / "data"))


def test_the_tables_are_whole_and_small() -> None:
    """All flights of the year, within five megabytes, with where they come from."""
    rows = {path.stem: pl.scan_parquet(path).select(pl.len()).collect().item() for path in DATA.glob("*.parquet")}

    assert rows == {"airports": 1462, "flights": 336_776, "planes": 3322, "weather": 26_115}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 5_000_000
    assert "CC0" in (DATA / "README.md").read_text()


def test_the_script_makes_them_again() -> None:
    """Row by row, from the files of the source."""
    path = Path(__file__).parents[3] / "tools" / "make_flights.py"
    spec = importlib.util.spec_from_file_location("make_flights", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    airports = script.airports()
    made = {"airports": airports, "flights": script.flights(airports), "planes": script.planes()}
    made["weather"] = script.weather()

    assert [name for name, frame in made.items() if not frame.equals(pl.read_parquet(DATA / f"{name}.parquet"))] == []


def test_cancelled_and_diverted_flights_have_no_label_and_are_counted() -> None:
    """A flight lands, is diverted or never leaves; nothing else."""
    flights = pl.read_parquet(DATA / "flights.parquet")
    unlabelled = flights["arr_delay_min"].is_null()

    assert flights["cancelled"].sum() == 8255
    assert flights["diverted"].sum() == 1175
    assert (unlabelled == (flights["cancelled"] | flights["diverted"])).all()


def test_a_flight_is_named_by_carrier_number_and_departure() -> None:
    """The key by which outcomes are joined to predictions is unique."""
    flights = pl.read_parquet(DATA / "flights.parquet", columns=["carrier", "flight", "scheduled"])

    assert flights.is_unique().all()


def test_flights_take_the_time_that_the_way_takes() -> None:
    """The planned time from gate to gate fits the distance, in every zone and on every day of the year."""
    flights = pl.read_parquet(DATA / "flights.parquet").filter(pl.col("distance_miles") > 50)
    planned = (flights["scheduled_arrival"] - flights["scheduled"]).dt.total_minutes()
    miles_an_hour = flights["distance_miles"] / planned * 60

    assert planned.is_between(40, 720).all()
    assert miles_an_hour.is_between(55, 500).all()


def test_every_destination_has_a_zone() -> None:
    """Those in the Caribbean too, which the source forgot."""
    airports = pl.read_parquet(DATA / "airports.parquet")
    flights = pl.read_parquet(DATA / "flights.parquet")

    zones = dict(airports.select("airport", "zone").iter_rows())

    assert {zones[dest] for dest in ("BQN", "PSE", "SJU", "STT")} == {"America/Puerto_Rico"}
    assert all(zones[dest] for dest in flights["dest"].unique())
