"""Which files are tables, and the one interface to them: CSV by `csvfiles`, Parquet by `parquetfiles`.

Arrow's own formats and JSON Lines are read as rows once, when their rows are to be kept; kept as bytes they are files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.data import csvfiles, parquetfiles
from stackcanvas.data.examination import Table
from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
else:
    pl = late("polars")
    pa = late("pyarrow")

_ARROW = frozenset({".arrow", ".feather", ".ipc"})
_JSON_LINES = frozenset({".jsonl", ".ndjson"})
_MAGIC = b"ARROW1"


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


def stream(paths: Sequence[Path]) -> Any:
    """The rows of files that are tables only when their rows are kept: Arrow's own formats and JSON Lines.

    Returns:
        Something with the Arrow interface or a lazy frame, read when it is used; None for files of other formats.

    Raises:
        BadInput: a file is not what its name says.
    """
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes <= _JSON_LINES:
        return pl.scan_ndjson(list(paths), infer_schema_length=None)
    if not suffixes <= _ARROW:
        return None
    streams = [path for path in paths if not _is_arrow_file(path)]
    if not streams:
        return pl.scan_ipc(list(paths))
    if len(paths) > 1:
        fix = "Write them as files, or commit each by itself"
        raise BadInput("an Arrow stream cannot be joined with other files", where=str(streams[0]), fix=fix)
    try:
        return pa.ipc.open_stream(streams[0])
    except (pa.ArrowException, OSError) as error:
        said = str(error).partition("\n")[0]
        raise BadInput(
            f"the file is neither an Arrow file nor an Arrow stream ({said})", where=str(streams[0])
        ) from None


def _is_arrow_file(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def delimiter_of(name: str) -> str | None:
    """What parts the fields of a file with this name; None when it is not a CSV file."""
    return csvfiles.DELIMITERS.get(Path(name).suffix.lower())


def no_table(paths: Sequence[Path], *, rows: bool) -> BadInput:
    """The error for files that are no table where one is needed.

    Args:
        rows: whether rows were to be kept, which more formats can.
    """
    more = _ARROW | _JSON_LINES if rows else ()
    known = ", ".join(sorted((*csvfiles.DELIMITERS, parquetfiles.SUFFIX, *more)))
    return BadInput(
        "the files are no table" if len(paths) > 1 else "the file is no table",
        where=str(paths[0]),
        expected=f"files of one format ({known}) with the same columns",
    )
