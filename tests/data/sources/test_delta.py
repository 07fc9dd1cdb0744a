"""Delta Lake tables, pinned by reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import deltalake
import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.errors import BadInput, NotFound


@pytest.fixture
def table(root: Path) -> Path:
    """A table with two versions."""
    path = root / "trips"
    pl.DataFrame({"id": [1, 2], "fare": [1.5, None]}).write_delta(path)
    pl.DataFrame({"id": [3], "fare": [2.5]}).write_delta(path, mode="append")
    return path


def test_a_version_is_a_reference(data: Data, table: Path) -> None:
    """Its rows are those of then, whatever becomes of the table, and nothing is copied."""
    first, second = data.ingest("trips", "delta://trips@0"), data.ingest("trips", "delta://trips")
    pl.DataFrame({"id": [4], "fare": [0.5]}).write_delta(table, mode="append")

    assert (first.kind, first.rows, second.rows) == ("delta", 2, 3)
    assert first.columns == {"id": "Int64", "fare": "Float64"}
    assert first.profile is not None
    assert first.new_bytes < 1000
    assert data.read("trips@1")["id"].to_list() == [1, 2]
    assert sorted(data.read("trips@2")["id"]) == [1, 2, 3]
    assert data.ingest("trips", "delta://trips@1").existed
    assert data.diff("trips@1", "trips@2", key="id").rows.added == 1  # type: ignore[union-attr]
    assert data.verify().sound
    assert data.ingest("trips", f"delta://{table}").rows == 4


def test_a_version_that_was_vacuumed(data: Data, table: Path) -> None:
    """It is said that the table has forgotten it, as when another table lies there."""
    data.ingest("trips", "delta://trips@0")
    pl.DataFrame({"id": [9], "fare": [1.0]}).write_delta(table, mode="overwrite")
    delta = deltalake.DeltaTable(table)
    delta.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)

    with pytest.raises(NotFound, match="vacuum"):
        data.read("trips@1")
    (problem,) = data.verify().problems
    assert "A vacuum may have removed it" in problem.what


def test_a_log_that_goes_back_less_far(data: Data, table: Path) -> None:
    """The table is there, the version is not."""
    data.ingest("trips", "delta://trips@0")
    deltalake.DeltaTable(table).create_checkpoint()
    (table / "_delta_log" / f"{0:020}.json").unlink()

    with pytest.raises(NotFound, match=r"no version of the Delta table.* at version 0"):
        data.read("trips@1")


def test_another_table_in_its_place(data: Data, table: Path, root: Path) -> None:
    """The same path with another table is noticed."""
    data.ingest("trips", "delta://trips@0")
    table.rename(root / "gone")
    with pytest.raises(NotFound):
        data.read("trips@1")
    pl.DataFrame({"id": [9]}).write_delta(table)

    with pytest.raises(BadInput, match="another Delta table"):
        data.read("trips@1")


@pytest.mark.parametrize("url", ["delta://nothing", "delta://trips@7"])
def test_what_is_not_there(data: Data, table: Path, url: str) -> None:
    """A table or version that does not exist."""
    with pytest.raises(NotFound):
        data.ingest("trips", url)


def test_expectations_hold_for_it(data: Data, table: Path, root: Path, make_data: Callable[..., Data]) -> None:
    """A reference is checked as any table is."""
    (root / "rules.yaml").write_text("columns: [{name: fare, nulls: 0%}]\nbroken: mark\n")

    assert data.ingest("trips", "delta://trips", expect=root / "rules.yaml").broken
