"""From Arrow to Polars and back, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
else:
    pl = late("polars")
    pa = late("pyarrow")


def to_polars(part: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """A table or record batch of Arrow as a frame.

    Raises:
        BadInput: the name of a column cannot be used, or its type cannot be kept.
    """
    names = part.schema.names
    _refuse_nul(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"two columns are called {twice[0]!r}", expected="different names")
    for field in part.schema:
        _refuse(field.name, (kind for kind in _within(field.type) if not _known(kind)))
    # An empty name would be replaced by `column_0`.
    frame = pl.from_arrow(part.rename_columns([f"column {number}" for number in range(len(names))]))
    assert isinstance(frame, pl.DataFrame)
    frame.columns = names
    return frame


def to_arrow(frame: pl.DataFrame) -> pa.Table:
    """A frame as a table with the types that every reader of Arrow knows."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def refuse_unstorable(schema: pl.Schema) -> None:
    """Refuse what only Polars itself can hold.

    Raises:
        BadInput: the name of a column cannot be used, or its type has no values, or none that Parquet has.
    """
    _refuse_nul(schema)
    for name, kind in schema.items():
        _refuse(name, (inner for inner in _inside(kind) if inner in {pl.Object, pl.Int128, pl.UInt128}))


def _refuse_nul(names: Iterable[str]) -> None:
    for name in names:
        if "\0" in name:
            raise BadInput(f"the column name {name!r} holds a NUL character", expected="another name")


def _refuse(name: str, kinds: Iterator[object]) -> None:
    kind = next(kinds, None)
    if kind is not None:
        raise BadInput(
            f"the column {name!r} is of a type that cannot be kept: {kind}",
            fix="Cast it to another, such as text, or leave it out",
        )


def _known(kind: pa.DataType) -> bool:
    kinds = pa.types
    strange = (kinds.is_interval, kinds.is_union, kinds.is_run_end_encoded, kinds.is_decimal256)
    # Polars knows zones by their names only, such as Asia/Kolkata.
    is_offset = kinds.is_timestamp(kind) and kind.tz is not None and kind.tz[:1] in {"+", "-"}
    return not is_offset and not any(is_strange(kind) for is_strange in strange)


def _within(kind: Any) -> Iterator[Any]:
    """A type of Arrow and those that it is made of."""
    yield kind
    if isinstance(kind, pa.BaseExtensionType):
        yield from _within(kind.storage_type)
    elif pa.types.is_dictionary(kind):
        yield from _within(kind.value_type)
    elif not pa.types.is_union(kind):
        for number in range(kind.num_fields):
            yield from _within(kind.field(number).type)


def _inside(kind: Any) -> Iterator[Any]:
    """A type of Polars and those that it is made of."""
    yield kind
    for name in ("inner", "key", "value"):
        if kind.is_nested() and hasattr(kind, name):
            yield from _inside(getattr(kind, name))
    for field in getattr(kind, "fields", ()) if kind.is_nested() else ():
        yield from _inside(field.dtype)
