"""From Arrow to Polars."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pyarrow as pa
import pytest

from stackcanvas.data.arrow import refuse_unstorable, to_arrow, to_polars
from stackcanvas.errors import BadInput


def test_names_stay() -> None:
    """Names come through, an empty one too."""
    frame = to_polars(pa.table([[1], ["a"]], names=["", "column_0"]))

    assert frame.columns == ["", "column_0"]
    assert to_arrow(frame).column_names == ["", "column_0"]


@pytest.mark.parametrize(("names", "said"), [(["a", "a"], "two columns"), (["a\0", "b"], "NUL")])
def test_names_that_cannot_be_used(names: list[str], said: str) -> None:
    """Names that would be lost or would end the process are refused."""
    with pytest.raises(BadInput, match=said):
        to_polars(pa.table([[1], [2]], names=names))


def test_texts_are_plain() -> None:
    """Texts come as the type that all readers know, not as views."""
    assert to_arrow(pl.DataFrame({"a": ["x"]})).schema.field("a").type == pa.large_string()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal(1)], pa.decimal256(50, 2)),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.array([0], pa.timestamp("us", "+05:30")),
        pa.array([[(1, 2, 3)]], pa.list_(pa.month_day_nano_interval())),
        pa.array([{"x": Decimal(1)}], pa.struct([("x", pa.decimal256(50, 2))])),
        pa.RunEndEncodedArray.from_arrays([1], ["a"]),
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
    ],
    ids=lambda column: str(column.type),
)
def test_types_that_cannot_be_kept(column: pa.Array) -> None:
    """A type that Polars does not have is refused with its column, before the library ends the process."""
    with pytest.raises(BadInput, match="the column 'c' is of a type that cannot be kept"):
        to_polars(pa.table({"c": column}))


def test_types_that_can_be_kept() -> None:
    """What is nested, coded or extended comes through."""
    columns = {
        "decimal": pa.array([Decimal("1.5")], pa.decimal128(38, 2)),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        "coded": pa.array(["a"]).dictionary_encode(),
        "uuid": pa.array([b"a" * 16], pa.uuid()),
        "deep": pa.array([[{"x": [1]}]]),
    }
    assert to_polars(pa.table(columns)).row(0, named=True) == {
        "decimal": Decimal("1.5"),
        "map": {"k": 1},
        "coded": "a",
        "uuid": b"a" * 16,
        "deep": [{"x": [1]}],
    }


@pytest.mark.parametrize("kind", [pl.Object, pl.Int128, pl.List(pl.Int128), pl.Struct({"x": pl.UInt128})], ids=str)
def test_frames_that_cannot_be_kept(kind: pl.DataType) -> None:
    """Objects of Python would be kept as addresses in memory, and Parquet has no whole numbers of 128 bits."""
    with pytest.raises(BadInput, match="the column 'c' is of a type that cannot be kept"):
        refuse_unstorable(pl.Schema({"a": pl.Int64(), "c": kind}))


def test_frames_that_can_be_kept() -> None:
    """The names of columns and categories do not matter."""
    inner = pl.Struct({"x": pl.List(pl.Array(pl.Int64, 2)), "Int128": pl.Enum(["Object"])})
    schema = pl.Schema([("Object", inner), ("a", pl.Categorical())])
    assert schema.names() == ["Object", "a"]
    refuse_unstorable(schema)
