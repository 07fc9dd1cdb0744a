"""Rows in memory or in a stream: anything with the Arrow interface, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stackcanvas.data.arrow import refuse_unstorable, to_polars
from stackcanvas.errors import BadInput, Unavailable
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
else:
    pl = late("polars")
    pa = late("pyarrow")

_PART_ROWS = 1 << 17


def is_frame(source: object) -> bool:
    """Whether the source gives rows."""
    return isinstance(source, pl.LazyFrame) or any(
        hasattr(source, name) for name in ("__arrow_c_stream__", "__arrow_c_array__")
    )


def parts(source: Any, *, where: str | None = None) -> Iterator[pl.DataFrame]:
    """The rows of the source; at least one part, which may have no rows.

    Args:
        where: what the rows lie in, for errors.

    Raises:
        BadInput: a column's values cannot be stored.
        Unavailable: the source broke off.
    """
    try:
        if isinstance(source, pl.LazyFrame):
            refuse_unstorable(source.collect_schema())
            yield source.collect_schema().to_frame()
            yield from source.collect_batches(chunk_size=_PART_ROWS, maintain_order=True)
        elif isinstance(source, pl.DataFrame):
            refuse_unstorable(source.schema)
            yield source.clear()
            yield from source.iter_slices(_PART_ROWS)
        else:
            yield from _arrow_parts(source)
    except (pa.ArrowException, TypeError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise BadInput(f"the rows cannot be read as a table: {_said(error)}", where=where) from error
    except OSError as error:
        raise Unavailable(f"the rows cannot be read to their end: {_said(error)}", where=where) from error


def values(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The rows as values of Python; instants beyond the years 1 to 9999, which it does not have, as text.

    A list or record with such an instant is told as JSON.
    """
    for change in (_unchanged, _instants_as_text):
        with suppress(ValueError, OverflowError):
            return change(frame).rows()
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    told = _instants_as_text(frame)
    known = (pl.when(pl.col(name).is_not_null()).then(pl.struct(name).struct.json_encode()) for name in nested)
    return told.with_columns(one.alias(name) for one, name in zip(known, nested, strict=True)).rows()


def _unchanged(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _instants_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Date, pl.Datetime, pl.Duration).dt.to_string())


def records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Likewise by the names of their columns."""
    return [dict(zip(frame.columns, row, strict=True)) for row in values(frame)]


def _said(error: BaseException) -> str:
    """What an error says, without the frames and plans that libraries put below it."""
    said, _, _ = str(error).strip().partition(" Detail: Python exception:")
    return said.partition("\n")[0].rstrip(".") or type(error).__name__


def _arrow_parts(source: Any) -> Iterator[pl.DataFrame]:
    if hasattr(source, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(source)
        yield to_polars(reader.schema.empty_table())
        for batch in reader:
            for start in range(0, batch.num_rows, _PART_ROWS):
                yield to_polars(batch.slice(start, _PART_ROWS))
    else:
        yield to_polars(pa.record_batch(source))
