"""Rows in a file that somebody pushes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from stackcanvas.errors import BadInput

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
}


def read_rows(file: Path, *, instants: Sequence[str]) -> pl.DataFrame:
    """The rows of a file.

    Args:
        file: Parquet, CSV or JSON lines, told by the end of its name.
        instants: columns of times; where they are text they are read as ISO 8601, those without a zone as UTC.

    Raises:
        BadInput: the file is none of these, or is broken.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise BadInput(f"{file.name!r} cannot be read", expected=f"a file that ends in {', '.join(_READERS)}")
    try:
        rows = reader(file)
        texts = [name for name in instants if rows.schema.get(name) == pl.String]
        return rows.with_columns(pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in texts)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"the rows cannot be read: {str(error).splitlines()[0]}", where=str(file)) from None
