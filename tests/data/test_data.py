"""The block as one object."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from stackcanvas.data import Data
from stackcanvas.metadata import Ref, Spine


def test_a_day_with_data(data: Data, root: Path) -> None:
    """Commit, change, commit, compare, go back: the whole way through one object."""
    table = root / "flights.csv"
    table.write_text("flight,delay\n1,5\n2,\n")
    data.commit("flights", table, message="first", key="flight", tags=["raw"])
    table.write_text("flight,delay\n1,5\n2,7\n3,0\n")
    assert data.status()[0].changed == ("flights.csv",)
    data.commit("flights", table, message="more", key="flight")

    found = data.diff("flights@raw", "flights")
    assert found.rows is not None
    assert (found.rows.added, found.rows.changed) == (1, 1)
    data.checkout(Ref("data", "flights", "raw"), root)
    assert table.read_text() == "flight,delay\n1,5\n2,\n"
    assert data.read("flights")["delay"].sum() == 12
    assert [version.message for version in data.log("flights")] == ["more", "first"]
    assert data.verify().sound


def test_two_people_share_a_store(make_data: Callable[..., Data], make_spine: Callable[..., Spine]) -> None:
    """What one commits the other reads, and each stands in the records under their own name."""
    ada, bob = make_data("ada", by=make_spine("ada")), make_data("bob", by=make_spine("bob"))
    ada.commit("a", pl.DataFrame({"x": [1]}))
    version = bob.commit("a", pl.DataFrame({"x": [2]}))

    assert ada.read("a")["x"].to_list() == [2]
    assert ada._parts.spine.executions.get(version.execution).actor == "bob"


def test_a_lost_cache(make_data: Callable[..., Data], root: Path, tmp_path: Path) -> None:
    """Everything goes on when the cache was deleted."""
    (root / "a.csv").write_text("x\n1\n")
    first = make_data()
    first.commit("a", root / "a.csv")
    first.close()
    for path in sorted((tmp_path / "cache").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    again = make_data()

    assert again.commit("a", root / "a.csv").existed
    assert again.read("a")["x"].to_list() == [1]
    assert again.verify().sound
