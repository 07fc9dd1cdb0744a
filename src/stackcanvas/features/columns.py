"""Columns of a frame as keys and as instants, with the errors a user meets when they are neither."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

# Instants beyond it, 292,000 years away, stay what they are: never, or always.
_MOST_MS = (1 << 63) // 1000 - 1


def require_columns(schema: pl.Schema, names: Iterable[str], *, where: str) -> None:
    """Refuse when one of the columns is not there.

    Raises:
        NotFound: names the column and the nearest one there is.
    """
    for name in names:
        if name not in schema:
            raise NotFound("column", name, known=schema.names(), where=where)


def instants_us(schema: pl.Schema, name: str, *, up: bool, where: str, zone: str | None = None) -> pl.Expr:
    """The column as microseconds since 1970 UTC.

    Args:
        schema: the schema of the frame.
        name: the column.
        up: nanoseconds round up, else down. What is asked rounds down and what is known rounds up, so that rounding
            never lets a value in before its time; an hour that the change of the clocks repeats or skips likewise.
        where: the frame, as errors call it.
        zone: of times that say none.

    Raises:
        BadInput: the column holds no instants with a time zone, and none is given.
    """
    dtype = schema[name]
    if dtype == pl.Null():  # a table without rows need not know its types
        return pl.col(name).cast(pl.Int64)
    naive = isinstance(dtype, pl.Datetime) and dtype.time_zone is None
    if not isinstance(dtype, pl.Datetime) or (naive and zone is None):
        raise BadInput(
            f"column {name!r} is of type {dtype}" + (", which says no time zone" if naive else ""),
            where=where,
            expected="instants with a time zone",
            fix=f'Say what it counts, for example pl.from_epoch({name!r}, time_unit="s").dt.replace_time_zone("UTC")'
            if dtype.is_numeric()
            else f"Say which zone it is in, for example pl.col({name!r})"
            + (
                '.str.to_datetime(time_unit="us", time_zone="UTC")'
                if dtype == pl.String()
                else ("" if naive else '.cast(pl.Datetime("us"))') + '.dt.replace_time_zone("UTC")'
            )
            + (', or give timezone="UTC"' if naive else ""),
        )
    instants = (_placed(pl.col(name), str(zone), up=up) if naive else pl.col(name)).to_physical()
    if dtype.time_unit == "ms":
        return instants.clip(-_MOST_MS, _MOST_MS) * 1000
    if dtype.time_unit == "ns":
        return (instants + 999 if up else instants) // 1000
    return instants


def _placed(naive: pl.Expr, zone: str, *, up: bool) -> pl.Expr:
    """Wall time in its zone: of the two instants that a repeated hour may mean the one that lets nothing in early."""
    ambiguous: Literal["latest", "earliest"] = "latest" if up else "earliest"

    def at(wall: pl.Expr) -> pl.Expr:
        return wall.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")

    beside = naive.dt.offset_by("1h" if up else "-1h")
    return pl.coalesce(at(naive), at(beside))


def key_expressions(
    left: pl.Schema, right: pl.Schema, keys: Sequence[str], *, view: str
) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """The key columns of both frames as `__key0`, `__key1`, ... in one type each.

    Raises:
        BadInput: the types cannot be compared exactly.
    """
    require_columns(right, keys, where=f"view {view}")
    lefts, rights = [], []
    for position, key in enumerate(keys):
        dtype = _common(left[key], right[key])
        if dtype is None:
            raise BadInput(
                f"key {key!r} is {left[key]} in the entity rows and {right[key]} in the view",
                where=f"view {view}",
                expected="whole numbers, text, dates or booleans of the same kind on both sides",
                fix=f"Cast it: pl.col({key!r}).cast(pl.{right[key]})" if _alike(left[key], right[key]) else None,
            )
        lefts.append(pl.col(key).cast(dtype).alias(f"__key{position}"))
        rights.append(pl.col(key).cast(dtype).alias(f"__key{position}"))
    return lefts, rights


def _alike(left: pl.DataType, right: pl.DataType) -> bool:
    """Whether a cast of the entity rows would do: pandas makes fractions of whole numbers beside a missing one."""
    return right.is_integer() and (left.is_float() or left.is_integer() or left == pl.String())


def _common(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    """The type in which keys of both types are compared, None when there is none."""
    if pl.Null() in (left, right):
        return right if left == pl.Null() else left
    if left.is_integer() and right.is_integer():
        if left == right:
            return left
        return pl.Int128() if pl.UInt64() in (left, right) else pl.Int64()
    if all(isinstance(one, pl.String | pl.Categorical | pl.Enum) for one in (left, right)):
        return pl.String()
    if left == right and isinstance(left, pl.Boolean | pl.Date | pl.Binary):
        return left
    return None
