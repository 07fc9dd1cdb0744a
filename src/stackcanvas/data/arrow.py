"""From Arrow to Polars and back, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
else:
    pl = late("polars")


def to_polars(part: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """A table or record batch of Arrow as a frame.

    Raises:
        BadInput: the name of a column cannot be used.
    """
    names = part.schema.names
    for name in names:
        if "\0" in name:
            raise BadInput(f"the column name {name!r} holds a NUL character", expected="another name")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"two columns are called {twice[0]!r}", expected="different names")
    # An empty name would be replaced by `column_0`.
    frame = pl.from_arrow(part.rename_columns([f"column {number}" for number in range(len(names))]))
    assert isinstance(frame, pl.DataFrame)
    frame.columns = names
    return frame


def to_arrow(frame: pl.DataFrame) -> pa.Table:
    """A frame as a table with the types that every reader of Arrow knows."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
