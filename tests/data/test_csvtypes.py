"""Types for the columns of CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.data.csvtypes import ColumnTypes, NotOfTypeError, convert

_NAIVE = "Datetime(time_unit='us', time_zone=None)"
_ZONED = "Datetime(time_unit='us', time_zone='UTC')"


def _batch(values: Sequence[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"x": pa.array(values, pa.string())})


def _type(*batches: Sequence[str | None]) -> str:
    types = ColumnTypes(["x"])
    for batch in batches:
        types.take(_batch(batch))
    return types.known()["x"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", None, "0"], "Int64"),
        (["9223372036854775807", "-9223372036854775808"], "Int64"),
        (["9223372036854775808"], "String"),
        (["007"], "String"),
        (["+1"], "String"),
        (["-0"], "Float64"),
        (["0x10"], "String"),
        ([" 1"], "String"),
        (["1_000"], "String"),
        (["1.50", "2", ".5", "-3.", "1e-9", "nan", "NaN", "-inf", None], "Float64"),
        (["1.5", "12345678901234567"], "String"),
        (["01.5"], "String"),
        (["1.5", "NA"], "String"),
        (["true", "False", "TRUE"], "Boolean"),
        (["true", "1"], "String"),
        (["0", "1"], "Int64"),
        (["2013-01-31", "1969-12-31"], "Date"),
        (["2013-02-30"], "String"),
        (["31/01/2013"], "String"),
        (["01-02-2013"], "String"),
        (["2013-01-31 05:00:00", "2013-01-31T05:00", "2013-01-31T05:00:00.123456"], _NAIVE),
        (["2013-01-31", "2013-01-31T05:00:00"], _NAIVE),
        (["2013-01-31T05:00:00.123456789"], "String"),
        (["2013-01-31T05:00:00Z", "2013-01-31T05:00:00+02:00"], _ZONED),
        (["2013-01-31T05:00:00Z", "2013-01-31T05:00:00"], "String"),
        (["EWR", "", None], "String"),
        ([None, None], "String"),
        ([], "String"),
    ],
)
def test_the_type_of_values(values: list[str | None], kind: str) -> None:
    """A type is taken only when every value says the same in it."""
    assert _type(values) == kind
    assert convert(_batch(values), {"x": kind}).schema["x"] == pl.Series(dtype=_polars(kind)).dtype


@pytest.mark.parametrize(
    ("batches", "kind"),
    [
        ([["1"], ["1.5"]], "Float64"),
        ([[None], ["1"]], "Int64"),
        ([["1"], [None]], "Int64"),
        ([["1"], ["x"]], "String"),
        ([["1000000000000001"], ["1.5"]], "String"),
        ([["1.5"], ["1000000000000001"]], "String"),
        ([["2013-01-01"], ["2013-01-01T05:00:00"]], _NAIVE),
        ([["2013-01-01T05:00:00"], ["2013-01-01"]], _NAIVE),
        ([["true"], ["7"]], "String"),
        ([["7"], ["true"]], "String"),
        ([["x"], ["1"]], "String"),
    ],
)
def test_later_values_widen_the_type(batches: list[list[str | None]], kind: str) -> None:
    """Batch by batch the type is the one that all of them together have."""
    assert _type(*batches) == kind
    assert _type([value for batch in batches for value in batch]) == kind


@given(
    st.lists(st.lists(st.none() | st.sampled_from(["1", "2.5", "007", "true", "2013-01-01", "x", "10000000000000001"])))
)
def test_batches_do_not_matter(batches: list[list[str | None]]) -> None:
    """How values are cut into batches changes nothing, and all of them fit the type that is found."""
    together = [value for batch in batches for value in batch]
    kind = _type(*batches)

    assert kind == _type(together)
    assert convert(_batch(together), {"x": kind})["x"].null_count() == together.count(None)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.lists(st.floats(allow_nan=False)))
def test_numbers_come_back(integers: list[int], reals: list[float]) -> None:
    """Numbers as Python writes them are the same numbers."""
    assert convert(_batch([str(number) for number in integers]), {"x": "Int64"})["x"].to_list() == integers
    texts = [format(number, ".17g") for number in reals if abs(number) < 1e15]
    assert convert(_batch(texts), {"x": "Float64"})["x"].to_list() == [number for number in reals if abs(number) < 1e15]


def test_instants_come_back() -> None:
    """Dates and instants are what they say, offsets are taken into account."""
    assert convert(_batch(["2013-01-31"]), {"x": "Date"})["x"].to_list() == [date(2013, 1, 31)]
    zoned = convert(_batch(["2013-01-31T05:00:00.5+02:00"]), {"x": _ZONED})["x"].to_list()
    assert zoned == [datetime(2013, 1, 31, 3, 0, 0, 500_000, tzinfo=UTC)]


def test_values_that_do_not_fit() -> None:
    """A value of another type is an error, never null."""
    with pytest.raises(NotOfTypeError):
        convert(_batch(["1", "x"]), {"x": "Int64"})


def _polars(kind: str) -> pl.DataType:
    return {
        "Int64": pl.Int64(),
        "Float64": pl.Float64(),
        "Boolean": pl.Boolean(),
        "Date": pl.Date(),
        "String": pl.String(),
    }.get(kind, pl.Datetime("us", "UTC" if "UTC" in kind else None))
