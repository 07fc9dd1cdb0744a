"""Croissant, as the library of its makers reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import polars as pl
import pytest

from stackcanvas.data import Data


def _valid(told: dict[str, Any], path: Path) -> Any:
    """The data set as the library understands it; it raises where it does not."""
    path.write_text(json.dumps(told))
    found = mlcroissant.Dataset(jsonld=path)
    assert found.metadata.ctx.issues.errors == set()
    return found


@pytest.mark.filterwarnings("ignore")
def test_a_table_is_read_by_the_library(data: Data, root: Path) -> None:
    """Validated, and its rows are those of the version."""
    (root / "flights.csv").write_text("id,carrier,late,day\n1,UA,true,2013-01-01\n2,AA,false,2013-01-02\n")
    data.commit("flights", root / "flights.csv", key="id", message="January")

    found = _valid(data.croissant("flights"), root / "croissant.json")

    assert (found.metadata.name, found.metadata.description) == ("flights", "January")
    fields = found.metadata.record_sets[0].fields
    assert [field.name for field in fields] == ["id", "carrier", "late", "day"]
    rows = list(found.records("rows"))
    assert [row["rows/1"] for row in rows] == [b"UA", b"AA"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["folder", "parts", "rows", "odd"])
def test_every_kind_is_valid(data: Data, root: Path, kind: str) -> None:
    """Folders of images, tables in several files, rows, nested types and odd names."""
    folder = root / "many"
    folder.mkdir()
    source: object = folder
    if kind == "folder":
        for name in ("a.png", "b.png", "sub/é ü.jpg", "none"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(name.encode())
    elif kind == "parts":
        for name in ("1.csv", "2.csv"):
            (folder / name).write_text("id\n1\n")
    elif kind == "rows":
        source = pl.DataFrame({"x": [1.5, None], "t": [["a"], None], "s": [{"a": 1}, None]})
    else:
        source = pl.DataFrame({"": [1], "a/b c": ["x"], "é'\"": [True]})
    data.commit("2013/set one", source)

    assert _valid(data.croissant("2013/set one"), root / "croissant.json").metadata.version == "1.0.0"
