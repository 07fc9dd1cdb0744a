"""Rows in memory or in a stream."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from stackcanvas.data.frames import is_frame, parts, records
from stackcanvas.errors import BadInput, Unavailable

_ROWS = pl.DataFrame({"a": [1, 2, None], "b": ["x", None, "z"]})


@pytest.mark.parametrize(
    "source",
    [
        _ROWS,
        _ROWS.lazy(),
        _ROWS.to_arrow(),
        _ROWS.to_arrow().to_batches()[0],
        pa.RecordBatchReader.from_batches(_ROWS.to_arrow().schema, _ROWS.to_arrow().to_batches()),
        pd.DataFrame({"a": pd.array([1, 2, None], dtype="Int64"), "b": ["x", None, "z"]}),
    ],
    ids=["polars", "lazy", "arrow", "batch", "stream", "pandas"],
)
def test_everything_with_the_arrow_interface(source: object) -> None:
    """Polars, Arrow, streams and pandas give the same rows; the first part tells the columns."""
    assert is_frame(source)
    found = list(parts(source))

    assert found[0].schema == _ROWS.schema
    assert_frame_equal(pl.concat(found), _ROWS)


def test_instants_that_python_does_not_have_are_text() -> None:
    """Years before 1 and after 9999 are told as the engine writes them; beside them values stay values."""
    far = pl.DataFrame({"id": [1], "at": [-(10**14)], "day": [4_000_000], "long": [9 * 10**17]}).with_columns(
        pl.col("at").cast(pl.Datetime("ms")), pl.col("day").cast(pl.Date), pl.col("long").cast(pl.Duration("ms"))
    )

    (row,) = records(far)

    assert (row["id"], row["at"][:5], row["day"][:6]) == (1, "-1199", "+12921")
    assert records(far.select(pl.concat_list("at").alias("in"))) == [{"in": '{"in":["-1199-02-15 14:13:20"]}'}]
    assert records(pl.DataFrame({"day": [date(1, 1, 1)]})) == [{"day": date(1, 1, 1)}]


def test_a_name_that_would_end_the_process_is_refused() -> None:
    """Neither Arrow nor Parquet has names with NUL."""
    with pytest.raises(BadInput, match="NUL"):
        list(parts(pl.DataFrame({"a\0b": [1]})))


def test_a_stream_is_read_part_by_part() -> None:
    """Parts come as the stream gives them: nothing is gathered."""
    asked: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(100):
            asked.append(number)
            yield pa.record_batch({"a": [number]})

    found = parts(pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches()))
    next(found)
    next(found)

    assert len(asked) < 5
    assert sum(part.height for part in found) == 99


def test_an_empty_stream() -> None:
    """A stream without batches still has columns."""
    (part,) = parts(pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), []))

    assert part.schema == {"a": pl.Int64}


@pytest.mark.parametrize("source", [{"a": [1]}, [1, 2], "path", 7, None])
def test_what_is_no_frame(source: object) -> None:
    """Other things are told apart."""
    assert not is_frame(source)


def test_a_stream_that_fails() -> None:
    """An error in the stream is said."""

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]})
        raise pa.ArrowInvalid("the source broke")

    source = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches())
    with pytest.raises(BadInput, match="the source broke"):
        list(parts(source))


def test_a_stream_that_breaks_off() -> None:
    """A source that cannot be read to its end is said as such, without the frames of its program."""

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]})
        raise OSError(5, "the cable is out")

    source = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches())
    with pytest.raises(Unavailable) as raised:
        list(parts(source))
    assert str(raised.value).endswith("to their end: IOError: [Errno 5] the cable is out.")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column names"),
        (pl.DataFrame({"a": [1]}).lazy().filter(pl.col("b") > 1), 'unable to find column "b"'),
        (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), "cannot be kept: Object"),
        (pl.LazyFrame({"a": [2**100]}, schema={"a": pl.Int128}), "cannot be kept: Int128"),
    ],
    ids=["pandas", "plan", "object", "wide"],
)
def test_frames_that_are_none(source: object, said: str) -> None:
    """What is wrong is one sentence."""
    with pytest.raises(BadInput, match=said) as raised:
        list(parts(source))
    assert "\n" not in str(raised.value)
