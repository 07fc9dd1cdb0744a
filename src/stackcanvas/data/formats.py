"""Which files are tables, and the one interface to them: CSV by `csvfiles`, Parquet by `parquetfiles`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.data import csvfiles, parquetfiles
from stackcanvas.data.examination import Table
from stackcanvas.errors import BadInput

if TYPE_CHECKING:
    import polars as pl


def is_table(paths: Sequence[Path]) -> bool:
    """Whether files are parts of one table: all of one format, with the same columns in the same order."""
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes == {parquetfiles.SUFFIX}:
        return len({parquetfiles.columns(path) for path in paths}) == 1
    if len(suffixes) == 1 and suffixes <= csvfiles.DELIMITERS.keys():
        delimiter = csvfiles.DELIMITERS[suffixes.pop()]
        return len({csvfiles.header(path, delimiter) for path in paths}) == 1
    return False


def examine(paths: Sequence[Path], *, key: Sequence[str] = ()) -> Table:
    """Columns, rows and profile of the parts of one table.

    Raises:
        BadInput: a file is broken, or the key does not identify a row.
    """
    delimiter = delimiter_of(paths[0].name)
    if delimiter is None:
        return parquetfiles.examine(paths, key=key)
    return csvfiles.examine(paths, delimiter, key=key)


def rows(paths: Sequence[Path], columns: Sequence[tuple[str, str]]) -> Iterator[pl.DataFrame]:
    """The rows of the parts of one table, in the order of the parts."""
    delimiter = delimiter_of(paths[0].name)
    if delimiter is None:
        return parquetfiles.read(paths)
    return csvfiles.read(paths, delimiter, dict(columns))


def delimiter_of(name: str) -> str | None:
    """What parts the fields of a file with this name; None when it is not a CSV file."""
    return csvfiles.DELIMITERS.get(Path(name).suffix.lower())


def no_table(paths: Sequence[Path]) -> BadInput:
    """The error for files that are no table where one is needed."""
    known = ", ".join(sorted((*csvfiles.DELIMITERS, parquetfiles.SUFFIX)))
    return BadInput(
        "the files are no table" if len(paths) > 1 else "the file is no table",
        where=str(paths[0]),
        expected=f"files of one format ({known}) with the same columns",
    )
