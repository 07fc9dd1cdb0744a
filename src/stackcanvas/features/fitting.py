"""Pushed rows beside those of their data set: in its types or in wider ones, never with less in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stackcanvas.errors import BadInput
from stackcanvas.features.columns import instants_us
from stackcanvas.features.view import FeatureView
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")


def fit(view: FeatureView, rows: pl.DataFrame, schema: pl.Schema | None) -> pl.DataFrame:
    """Rows as their data set takes them: its types where they hold every value, else wider ones; its columns first.

    Args:
        schema: of the data set; None while it has no version.

    Raises:
        BadInput: a column holds another kind of value than the data set has there.
    """
    rows = _whole_microseconds(view, rows)
    if schema is None:
        return rows
    here = rows.with_columns(_fitted(view, rows[name], dtype) for name, dtype in schema.items() if name in rows.columns)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in rows.columns]
    more = [name for name in rows.columns if name not in schema]
    return here.with_columns(missing).select(*schema.names(), *more)


def widened(source: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    """The rows of a data set in the types that the rows pushed to it need, with their columns.

    Raises:
        BadInput: a whole number of the data set is too large for the fractions that were pushed.
    """
    before = source.collect_schema()
    wider = {name: dtype for name, dtype in schema.items() if name in before and before[name] != dtype}
    fractions = [name for name, dtype in wider.items() if dtype.is_float() and before[name].is_integer()]
    if fractions:
        exact = [(pl.col(one).cast(pl.Float64).cast(pl.Int128) == pl.col(one)).all() for one in fractions]
        for name, (whole,) in zip(fractions, source.select(exact).collect().get_columns(), strict=True):
            if not whole:
                raise BadInput(f"the column {name!r} holds whole numbers that fractions cannot stand beside")
    more = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in before]
    return source.with_columns(*(pl.col(name).cast(dtype) for name, dtype in wider.items()), *more).select(
        schema.names()
    )


def _fitted(view: FeatureView, values: pl.Series, dtype: pl.DataType) -> pl.Series:
    if values.dtype == dtype:
        return values
    if pl.Null() in (values.dtype, dtype) or values.is_empty():
        return values.cast(dtype) if dtype != pl.Null() else values
    if _kind(values.dtype) == _kind(dtype):
        values = _in_zone_of(view, values, dtype)
        for candidate in (dtype, *_wider(dtype, values.dtype, is_key=values.name in view.keys)):
            if (held := _exactly(values, candidate)) is not None:
                return held
    raise BadInput(
        f"the column {values.name!r} is {values.dtype}, and {dtype} in data:{view.source}",
        where=f"rows pushed to view {view.name}",
        expected="values of the same kind",
    )


def _kind(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return "text"
    if dtype.is_numeric() and not dtype.is_decimal():
        return "number"
    return "instant" if isinstance(dtype, pl.Datetime) else str(dtype.base_type())


def _wider(dtype: pl.DataType, given: pl.DataType, *, is_key: bool) -> Iterable[pl.DataType]:
    """Types that hold every value of `dtype`, and perhaps those of the other, too."""
    if isinstance(dtype, pl.Datetime):
        return (pl.Datetime("us", dtype.time_zone),) if dtype.time_unit == "ms" else ()
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return (pl.String(),)
    if isinstance(dtype, pl.List | pl.Array):
        return (given,) if isinstance(given, pl.List | pl.Array) else ()
    whole = (pl.Int64(),) if dtype.is_integer() and dtype not in (pl.UInt64, pl.Int128) else ()
    return whole if is_key or not dtype.is_numeric() else (*whole, pl.Float64())


def _exactly(values: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """The values in another type, None when it cannot hold them all as they are."""
    try:
        held = values.cast(dtype)
        return held if held.cast(values.dtype).equals(values, null_equal=True) else None
    except pl.exceptions.PolarsError:
        return None


def _in_zone_of(view: FeatureView, values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Instants that name a zone for a data set whose times name none, and the other way round."""
    given = values.dtype
    if not isinstance(given, pl.Datetime) or not isinstance(dtype, pl.Datetime) or view.timezone is None:
        return values
    if given.time_zone is not None and dtype.time_zone is None:
        return values.dt.convert_time_zone(view.timezone).dt.replace_time_zone(None)
    if given.time_zone is None and dtype.time_zone is not None:
        frame = values.to_frame()
        placed = instants_us(frame.schema, values.name, up=True, where=f"view {view.name}", zone=view.timezone)
        return frame.select(placed.cast(pl.Datetime("us", "UTC"))).to_series().dt.convert_time_zone(dtype.time_zone)
    return values


def _whole_microseconds(view: FeatureView, rows: pl.DataFrame) -> pl.DataFrame:
    """Times of the view as they come online: what is finer than a microsecond counts as later."""
    fine = [name for name in view.times if getattr(rows.schema.get(name), "time_unit", None) == "ns"]
    return rows.with_columns(
        ((pl.col(name).to_physical() + 999) // 1000).cast(
            pl.Datetime("us", getattr(rows.schema[name], "time_zone", None))
        )
        for name in fine
    )
