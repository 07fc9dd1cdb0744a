"""The flights of the example, joined and read online, against what looks at every row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from typing import Any

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.features import FeatureView
from stackcanvas.stack import Stack
from stackcanvas.testing.features import assert_paths_equal

FLIGHTS = files("stackcanvas") / "examples" / "flights"
VIEWS = ["weather", "planes", "origin_delays", "carrier_delays", "dest_delays"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The example's views over ten days of its data."""
    root = tmp_path_factory.mktemp("flights")
    (root / "canvas.yaml").write_text("{stackcanvas: 1, project: {name: flights}}")
    (root / "features.py").write_text((FLIGHTS / "features.py").read_text())
    with as_file(FLIGHTS / "data") as folder, sc.open(root) as opened:
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("flights", "weather", "planes")}
        last = tables["flights"]["scheduled"].min() + timedelta(days=10)  # type: ignore[operator]
        opened.data.commit("flights", tables["flights"].filter(pl.col("scheduled") < last))
        opened.data.commit("weather", tables["weather"].filter(pl.col("hour") < last))
        opened.data.commit("planes", tables["planes"])
        yield opened


def by_hand(view: FeatureView, rows: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """The features of one row by looking at every row of the view."""
    nothing = dict.fromkeys(view.features)
    best: tuple[datetime, datetime, int] | None = None
    for place, row in enumerate(rows):
        event, known = row[view.event_time], row[view.known_time or view.event_time]
        if event is None or known is None or any(row[key] != asked[key] or asked[key] is None for key in view.keys):
            continue
        if max(event, known) <= asked["time"]:
            best = max(best or (event, known, place), (event, known, place))
    if best is None or (view.ttl is not None and best[0] < asked["time"] - view.ttl):
        return nothing
    return {name: rows[best[2]][name] for name in view.features}


def test_training_rows_are_what_was_known(stack: Stack) -> None:
    """Every fiftieth flight, every view, and nothing of the future when it is planted."""
    definitions: Any = stack.project.module("features")
    flights = definitions.departures(stack.data.scan("flights")).gather_every(700).collect()

    joined = stack.features.join(flights, VIEWS, time="time")

    assert joined.height == flights.height
    assert joined.select(flights.columns).equals(flights)
    for name in VIEWS:
        view = stack.features.get(name)
        rows = view.rows(stack.data.scan(view.source)).collect().to_dicts()
        expected = [by_hand(view, rows, asked) for asked in flights.iter_rows(named=True)]
        assert joined.select(view.features).to_dicts() == expected, name


def test_online_is_what_training_sees(stack: Stack) -> None:
    """Hour by hour over two days, for several keys, one that nobody knows."""
    start = stack.data.read("flights")["scheduled"].min()
    assert isinstance(start, datetime)
    planes = stack.data.read("planes")["tailnum"].head(2).to_list()
    keys = [
        {"origin": origin, "carrier": carrier, "dest": dest, "tailnum": tail}
        for origin, carrier, dest, tail in (("JFK", "B6", "BOS", planes[0]), ("EWR", "UA", "XXX", planes[1]))
    ]

    compared = assert_paths_equal(
        stack.features, VIEWS, keys=keys, at=[start + timedelta(hours=9 * step) for step in range(6)]
    )

    assert compared == 6 * 2 * sum(len(stack.features.get(name).features) for name in VIEWS)
