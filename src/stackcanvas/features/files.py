"""Rows in a file that somebody pushes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".jsonl": "read_ndjson", ".ndjson": "read_ndjson"}


def read_rows(file: Path, *, instants: Sequence[str], zoned: bool = True) -> pl.DataFrame:
    """The rows of a file.

    Args:
        file: Parquet, CSV or JSON lines, told by the end of its name.
        instants: columns of times; where they are text they are read as ISO 8601, those without a zone as UTC.
        zoned: without it texts without a zone stay so, for whoever knows their zone.

    Raises:
        BadInput: the file is none of these, or is broken.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise BadInput(f"{file.name!r} cannot be read", expected=f"a file that ends in {', '.join(_READERS)}")
    try:
        rows: pl.DataFrame = getattr(pl, reader)(file)
        texts = [name for name in instants if rows.schema.get(name) == pl.String]
        return rows.with_columns(_instants(rows[name], zoned=zoned) for name in texts)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"the rows cannot be read: {str(error).splitlines()[0]}", where=str(file)) from None


def _instants(texts: pl.Series, *, zoned: bool) -> pl.Series:
    says_zone = texts.str.contains(r"(Z|[+-]\d\d:?\d\d)\s*$").any()
    return texts.str.to_datetime(time_unit="us", time_zone="UTC" if zoned or says_zone else None)
