"""Parquet files that are given, and those that are written from rows."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from stackcanvas.data import Data, parquetfiles
from stackcanvas.data.store.cutting import Cutter
from stackcanvas.errors import BadInput

_TYPES = [
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float32, pl.Float64),
    *(pl.String, pl.Boolean, pl.Date, pl.Time, pl.Datetime, pl.Duration, pl.Binary, pl.Categorical, pl.Decimal),
    *(pl.List, pl.Struct, pl.Null),
]
_FRAMES = dataframes(max_cols=4, min_cols=1, max_size=20, allowed_dtypes=_TYPES)


def _flights(rows: int, seed: int = 0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "minute": np.sort(draw.integers(0, 525_600, rows)),
            "delay": draw.normal(size=rows),
            "distance": draw.integers(80, 5000, rows),
            "tail": [f"N{number:05d}" for number in draw.integers(0, 4000, rows)],
            "fare": np.round(draw.lognormal(5, 1, rows), 2),
        }
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_FRAMES)
def test_rows_come_back(tmp_path: Path, frame: pl.DataFrame) -> None:
    """Whatever a frame holds, the same values with the same types are read, by Polars and by this module."""
    parquetfiles.write(tmp_path / "table", [frame])

    assert_frame_equal(pl.read_parquet(tmp_path / "table"), frame, categorical_as_str=True)
    assert_frame_equal(pl.concat(parquetfiles.read([tmp_path / "table"])), frame, categorical_as_str=True)
    assert parquetfiles.columns(tmp_path / "table") == tuple((name, str(kind)) for name, kind in frame.schema.items())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_FRAMES, st.lists(st.integers(0, 20), max_size=4))
def test_equal_rows_are_equal_bytes(tmp_path: Path, frame: pl.DataFrame, cuts: list[int]) -> None:
    """How rows come in does not show in the bytes."""
    edges = [0, *sorted(cuts), frame.height]
    parts = [frame.slice(start, stop - start) for start, stop in itertools.pairwise(edges) if stop >= start]
    parquetfiles.write(tmp_path / "whole", [frame])
    parquetfiles.write(tmp_path / "parts", [frame.clear(), *parts])

    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


def test_categories_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """Categories are numbered in the order of the rows, not in that in which the process met them."""
    pl.Series(["test: zebra", "test: yak", "test: ape"], dtype=pl.Categorical)
    frame = pl.DataFrame({"a": pl.Series(["test: ape", "test: yak", None, "test: ape"], dtype=pl.Categorical)})

    parquetfiles.write(tmp_path / "table", [frame])

    (stored,) = pq.read_table(tmp_path / "table").column("a").chunks
    assert stored.dictionary.to_pylist() == ["test: ape", "test: yak"]


def test_groups_do_not_depend_on_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups have a size that follows from the types, whatever the parts."""
    monkeypatch.setattr(parquetfiles, "_GROUP_BYTES", 5 * 8 * 1000)
    monkeypatch.setattr(parquetfiles, "_GROUP_ROWS", (10, 10**6))
    frame = _flights(3500)
    parquetfiles.write(tmp_path / "whole", [frame])
    parquetfiles.write(tmp_path / "parts", frame.iter_slices(77))

    written = pq.ParquetFile(tmp_path / "whole").metadata
    assert [written.row_group(number).num_rows for number in range(written.num_row_groups)] == [833] * 4 + [168]
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


@pytest.mark.parametrize("edit", ["change", "insert", "delete"])
def test_small_edits_cost_little(tmp_path: Path, edit: str) -> None:
    """One contiguous percent of the rows costs a small part of a table, though this one is only ten megabytes."""
    frame, new = _flights(600_000), _flights(6000, seed=1)
    head, tail = frame.head(300_000), frame.tail(300_000)
    middle = new if edit != "delete" else new.clear()
    edited = pl.concat([head, middle, tail if edit == "insert" else tail.tail(294_000)])
    parquetfiles.write(tmp_path / "before", [frame])
    parquetfiles.write(tmp_path / "after", [edited])
    before = {bytes(chunk) for chunk in Cutter().cut((tmp_path / "before").read_bytes())}
    after = [bytes(chunk) for chunk in Cutter().cut((tmp_path / "after").read_bytes())]

    assert sum(len(chunk) for chunk in after if chunk not in before) < 0.25 * sum(map(len, after))


def test_examine(tmp_path: Path) -> None:
    """Columns, rows and profile of several files together."""
    frame = _flights(1000)
    frame.head(400).write_parquet(tmp_path / "1.parquet")
    frame.tail(600).write_parquet(tmp_path / "2.parquet")

    table = parquetfiles.examine([tmp_path / "1.parquet", tmp_path / "2.parquet"])

    assert table.rows == table.profile.rows == 1000
    assert table.columns == tuple((name, str(kind)) for name, kind in frame.schema.items())
    assert table.profile.columns["distance"].minimum == frame["distance"].min()  # type: ignore[union-attr]


def test_broken_files(tmp_path: Path) -> None:
    """A file that is no Parquet file, or is damaged in any place that matters, is named."""
    _flights(5000).write_parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    draw = random.Random(0)
    for content in (b"", b"PAR1", b"garbage" * 100, whole[:-10], whole[: len(whole) // 2], bytes(len(whole))):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(BadInput, match=r"a\.parquet: the file is no sound Parquet file"):
            parquetfiles.examine([tmp_path / "a.parquet"])
    for _ in range(20):
        flipped = bytearray(whole)
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        (tmp_path / "a.parquet").write_bytes(flipped)
        try:
            assert parquetfiles.examine([tmp_path / "a.parquet"]).rows == 5000
        except BadInput as error:
            assert "a.parquet" in str(error)  # noqa: PT017


@pytest.mark.parametrize("table", [False, True])
def test_the_types_on_record_are_those_that_are_read(data: Data, root: Path, table: bool) -> None:
    """Also where Arrow's own note in the file says otherwise, as it does of dates in milliseconds."""
    file = root / "days.parquet"
    pq.write_table(pa.table({"day": pa.array([0, 86_400_000], pa.date64())}), file)

    made = data.commit("days", file, table=table)

    assert made.columns == {"day": str(data.read("days").schema["day"])}
    assert [str(one)[:10] for one in data.read("days")["day"]] == ["1970-01-01", "1970-01-02"]


def test_a_column_that_cannot_be_kept_is_named(data: Data, root: Path) -> None:
    """Before the engine breaks over it."""
    file = root / "times.parquet"
    pq.write_table(pa.table({"at": pa.array([0], pa.timestamp("us", "+05:30"))}), file)

    with pytest.raises(BadInput, match=r"times\.parquet: the column 'at' is of a type that cannot be kept"):
        data.commit("times", file)
