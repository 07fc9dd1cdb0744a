"""Status: what lies in the project."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import Data


@pytest.fixture
def flights(root: Path) -> Path:
    """A folder with two files."""
    (root / "flights").mkdir()
    (root / "flights" / "a.csv").write_text("x\n1\n")
    (root / "flights" / "b.csv").write_text("x\n2\n")
    return root / "flights"


def test_unchanged(data: Data, flights: Path) -> None:
    """After a commit, what was committed is unchanged."""
    data.commit("flights", flights)

    (status,) = data.status()

    assert (status.name, status.number, status.latest, status.locked) == ("flights", 1, 1, 1)
    assert (status.state, status.folder) == ("unchanged", flights)


def test_changed(data: Data, flights: Path) -> None:
    """Added, removed and changed files are named, also when they are as long as before."""
    data.commit("flights", flights)
    (flights / "a.csv").write_text("x\n7\n")
    (flights / "b.csv").unlink()
    (flights / "c.csv").write_text("x\n3\n")

    (status,) = data.status()

    assert status.state == "changed"
    assert (status.added, status.removed, status.changed) == (("c.csv",), ("b.csv",), ("a.csv",))


def test_missing(data: Data, flights: Path) -> None:
    """What was deleted is missing."""
    data.commit("flights", flights)
    for path in flights.iterdir():
        path.unlink()
    assert data.status()[0].state == "missing"
    flights.rmdir()

    assert data.status()[0].state == "missing"


def test_single_files(data: Data, root: Path) -> None:
    """Two files of one folder can be two data sets."""
    for name in ("a", "b"):
        (root / f"{name}.csv").write_text("x\n1\n")
        data.commit(name, root / f"{name}.csv")
    (root / "b.csv").write_text("x\n2\n")

    assert [(status.name, status.state, status.changed) for status in data.status()] == [
        ("a", "unchanged", ()),
        ("b", "changed", ("b.csv",)),
    ]


def test_another_version_lies_here(data: Data, flights: Path, root: Path) -> None:
    """After a checkout, what lies there is compared to that version."""
    data.commit("flights", flights)
    (flights / "a.csv").write_text("x\n7\n")
    data.commit("flights", flights)
    data.checkout("flights@1", flights)

    (status,) = data.status()
    assert (status.state, status.number, status.latest, status.locked) == ("unchanged", 1, 2, 1)

    data.checkout("flights@2", root / "copy")
    (status,) = data.status()
    assert (status.state, status.number, status.folder) == ("unchanged", 2, root / "copy")


def test_not_here(data: Data, flights: Path, tmp_path: Path) -> None:
    """Rows, and files from elsewhere, lie nowhere in the project."""
    (tmp_path / "elsewhere.csv").write_text("x\n1\n")
    data.commit("rows", pl.DataFrame({"x": [1]}))
    data.commit("elsewhere", tmp_path / "elsewhere.csv")

    assert [(status.name, status.state, status.number) for status in data.status()] == [
        ("elsewhere", "not here", None),
        ("rows", "not here", None),
    ]
