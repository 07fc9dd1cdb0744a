"""Parquet files: those that are given, and those that are written from rows.

Rows are written so that versions share what they have in common: pages end where the content says so, not after a fixed
count, so an inserted row moves the pages around it only. Equal rows give equal bytes, however they came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.files import unavailable
from stackcanvas.data.arrow import to_arrow, to_polars
from stackcanvas.data.examination import Examination, Table, columns_of
from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    pl = late("polars")
    pa = late("pyarrow")
    pq = late("pyarrow.parquet")

SUFFIX = ".parquet"

_BATCH_ROWS = 1 << 17
_GROUP_BYTES = 128 << 20
_GROUP_ROWS = (1 << 12, 1 << 24)
_PAGES = {"min_chunk_size": 64 << 10, "max_chunk_size": 256 << 10, "norm_level": 0}


def columns(path: Path) -> tuple[tuple[str, str], ...]:
    """Name and type of each column, as Polars reads them.

    Raises:
        BadInput: the file is no Parquet file, or a column is of a type that cannot be kept.
    """
    next(read([path]))  # names a column that cannot be kept, over which Polars would break
    try:
        return columns_of(pl.scan_parquet(path, glob=False, hive_partitioning=False).collect_schema())
    except pl.exceptions.PolarsError as error:
        raise _broken(path, error) from None
    except OSError as error:
        raise unavailable(error, path) from error


def examine(paths: Sequence[Path], *, key: Sequence[str] = ()) -> Table:
    """Rows and profile of files with the same columns.

    Raises:
        BadInput: a file is damaged, or the key is none.
    """
    examination = Examination(key=key, where=str(paths[0]))
    for part in read(paths):
        examination.add(part)
    found = examination.result()
    return Table(columns(paths[0]), found.rows, found.profile)


def read(paths: Sequence[Path]) -> Iterator[pl.DataFrame]:
    """The rows of files, part by part; first a part without rows."""
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                yield to_polars(file.schema_arrow.empty_table())
                for batch in file.iter_batches(_BATCH_ROWS):
                    yield to_polars(batch)
        except BadInput as error:
            raise BadInput(error.what, where=str(path), expected=error.expected, fix=error.fix) from None
        except (pa.ArrowException, pl.exceptions.PolarsError) as error:
            raise _broken(path, error) from None
        except OSError as error:
            raise _broken(path, error) if error.errno is None else unavailable(error, path) from error


def write(path: Path, parts: Iterable[pl.DataFrame]) -> None:
    """Write rows as one file whose bytes depend on rows and types only.

    Raises:
        BadInput: parts differ in their columns, or a type cannot be stored.
    """
    writer: pq.ParquetWriter | None = None
    try:
        for group in _groups(parts):
            table = _canonical(group)
            if writer is None:
                writer = pq.ParquetWriter(
                    path,
                    table.schema,
                    compression="zstd",
                    compression_level=1,
                    use_dictionary=[field.name for field in table.schema if pa.types.is_dictionary(field.type)],
                    use_content_defined_chunking=_PAGES,
                )
            writer.write_table(table, row_group_size=max(1, table.num_rows))
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise BadInput(f"the rows cannot be stored as a table: {str(error).rstrip('.')}") from error
    except OSError as error:
        raise unavailable(error, path) from error
    finally:
        if writer is not None:
            writer.close()


def _groups(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in groups whose size depends on the types only."""
    waiting: list[pl.DataFrame] = []
    rows = group_rows = 0
    written = False
    for part in parts:
        group_rows = group_rows or _group_rows(part.schema)
        waiting.append(part)
        rows += part.height
        while rows >= group_rows:
            joined = pl.concat(waiting)
            yield joined.head(group_rows)
            waiting, rows, written = [joined.slice(group_rows)], rows - group_rows, True
    if waiting and (rows or not written):
        yield pl.concat(waiting)


def _group_rows(schema: pl.Schema) -> int:
    row_bytes = sum(8 if kind.is_numeric() or kind.is_temporal() else 16 for kind in schema.dtypes())
    low, high = _GROUP_ROWS
    return max(low, min(high, _GROUP_BYTES // max(1, row_bytes)))


def _canonical(frame: pl.DataFrame) -> pa.Table:
    table = to_arrow(frame).combine_chunks()
    for number, (name, kind) in enumerate(frame.schema.items()):
        if kind == pl.Categorical:
            # Polars numbers categories in the order in which the process met them; here, in that of the rows.
            values = table.column(number).cast(pa.large_string()).combine_chunks().dictionary_encode()
            table = table.set_column(number, name, values)
    return table


def _broken(path: Path, error: Exception) -> BadInput:
    said = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
    return BadInput(f"the file is no sound Parquet file ({said})", where=str(path))
