"""Data with everything wrong that data can have: a table or a sentence, never a half version and never a panic."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.database import Database
from stackcanvas.backends.objects import open_objects
from stackcanvas.data import Data
from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Spine

_CSV = b'id,name,delay,day\n1,"Smith, A",5,2013-01-01\n2,"B ""b""",,2013-01-02\n3,C\xc3\xa9,-7.5,2013-01-03\n'


@pytest.fixture
def data(spine: Spine, tmp_path: Path) -> Data:
    """A block over an empty workspace."""
    return Data(spine, open_objects(tmp_path / "objects"), tmp_path, tmp_path / "cache")


def _mutated(content: bytes, draw: random.Random) -> bytes:
    broken = bytearray(content)
    for _ in range(draw.randrange(1, 4)):
        place = draw.randrange(len(broken))
        match draw.randrange(4):
            case 0:
                broken[place] = draw.randrange(256)
            case 1:
                del broken[place : place + draw.randrange(1, 20)]
            case 2:
                broken[place:place] = draw.choice([b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b"a" * 100])
            case _:
                broken[place:place] = content[: draw.randrange(len(content))]
        broken = broken or bytearray(b"x")
    return bytes(broken)


@pytest.mark.parametrize("rounds", [60, pytest.param(1000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_mutated_tables(data: Data, database: Database, tmp_path: Path, suffix: str, rounds: int) -> None:
    """Files that are nearly right: what is taken can be read and is sound, what is not leaves no version."""
    path = tmp_path / f"table.{suffix}"
    path.write_bytes(_CSV)
    if suffix == "parquet":
        pl.read_csv(path.rename(tmp_path / "table.csv")).write_parquet(path)
    whole = path.read_bytes()
    draw = random.Random(0)
    taken = 0
    for _ in range(rounds):
        path.write_bytes(_mutated(whole, draw))
        before = len(data._parts.versions.every())
        try:
            version = data.commit("table", path)
        except StackCanvasError as error:
            assert error.exit_code in {3, 5}  # noqa: PT017
            assert "table." in str(error)  # noqa: PT017
            assert len(data._parts.versions.every()) == before
            continue
        taken += 1
        if version.columns:
            assert data.read(version.ref).height == version.rows

    assert taken > 0
    assert data.verify().sound


@pytest.mark.parametrize("name", ["", " ", "a\nb", "../x", "a/../b", "x" * 501, "model:x", "a\x00b", "run:1@2"])
def test_names_that_cannot_be(data: Data, name: str) -> None:
    """A name that no store, address or terminal could carry is refused before anything is done."""
    with pytest.raises(StackCanvasError):
        data.commit(name, pl.DataFrame({"x": [1]}))

    assert data.ls() == []


def test_a_hundred_columns_and_odd_names(data: Data) -> None:
    """Wide tables and names of any letters come back."""
    frame = pl.DataFrame({f"column {number} é,\"'\n": [number, None] for number in range(300)})

    version = data.commit("wide", frame)

    assert data.read(version.ref).equals(frame)
    assert data.diff(version.ref, version.ref).same
