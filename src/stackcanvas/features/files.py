"""Rows in a file that somebody pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def rows_of_records(records: Sequence[Mapping[str, Any]], *, instants: Sequence[str], zoned: bool) -> pl.DataFrame:
    """The rows of objects as they come in JSON.

    Args:
        records: one a row.
        instants: columns of times: text of ISO 8601, or seconds since 1970 UTC.
        zoned: as in `read_rows`.

    Raises:
        BadInput: they are no rows of one kind.
    """
    try:
        rows = pl.DataFrame(list(records), infer_schema_length=None)
        texts = [name for name in instants if rows.schema.get(name) == pl.String]
        numbers = [name for name in instants if name in rows.columns and rows.schema[name].is_numeric()]
        seconds = ((pl.col(name) * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us", "UTC")) for name in numbers)
        return rows.with_columns(*(_instants(rows[name], zoned=zoned) for name in texts), *seconds)
    except (pl.exceptions.PolarsError, TypeError, OverflowError, ValueError) as error:
        raise BadInput(f"the rows cannot be read: {str(error).splitlines()[0]}") from None


def _instants(texts: pl.Series, *, zoned: bool) -> pl.Series:
    says_zone = texts.str.contains(r"(Z|[+-]\d\d:?\d\d)\s*$").any()
    return texts.str.to_datetime(time_unit="us", time_zone="UTC" if zoned or says_zone else None)
