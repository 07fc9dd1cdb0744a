"""CSV files: read strictly and in constant memory; what is broken is named with its line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.files import unavailable
from stackcanvas.data.csvtypes import ColumnTypes, NotOfTypeError, convert
from stackcanvas.data.examination import Examination, Table
from stackcanvas.errors import BadInput, Conflict
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
else:
    pa = late("pyarrow")
    arrow_csv = late("pyarrow.csv")

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""What parts the fields, by the suffix of the file."""

_BLOCK_BYTES = 8 << 20
_LONGEST_BYTES = 1 << 29  # of a row


def header(path: Path, delimiter: str) -> tuple[str, ...]:
    """The names of the columns.

    Raises:
        BadInput: there is no header, or two columns have the same name.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file, delimiter=delimiter), None)
    except (UnicodeDecodeError, csv.Error):
        raise _fault(path, delimiter) or BadInput("the header cannot be read", where=f"{path}:1") from None
    except OSError as error:
        raise unavailable(error, path) from error
    if not names:
        raise BadInput("the file is empty", where=str(path), expected="a line with the names of the columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"two columns are called {twice[0]!r}", where=f"{path}:1", expected="different names")
    if any("\0" in name for name in names):
        raise BadInput("the name of a column holds a NUL character", where=f"{path}:1", expected="another name")
    return tuple(names)


def examine(paths: Sequence[Path], delimiter: str, *, key: Sequence[str] = ()) -> Table:
    """Types, rows and profile of files with the same header, over every value of all of them.

    Raises:
        BadInput: a row has more or fewer fields than the header, bytes are not UTF-8, or the key is none.
    """
    for path in paths:
        _refuse_open_quote(path, delimiter)
    types = ColumnTypes(header(paths[0], delimiter))
    while True:
        examination = Examination(key=key, where=str(paths[0]))
        examination.add(_no_rows(types.known()))
        settled = True
        for number, batch in enumerate(batch for path in paths for batch in _batches(path, delimiter)):
            part, changed = types.take(batch)
            if not number:
                examination = Examination(key=key, where=str(paths[0]))
            elif changed:
                # Values of the first batch mostly tell all. When later ones change a type, what was counted before is
                # counted once more, with the types that are known by then.
                settled = False
            if settled:
                examination.add(part)
        if settled:
            return examination.result()


def read(paths: Sequence[Path], delimiter: str, types: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """The rows of files whose types are known, part by part.

    Raises:
        Conflict: a value is not of its column's type: the file is not the one that was examined.
    """
    yield _no_rows(types)
    for path in paths:
        try:
            for batch in _batches(path, delimiter):
                yield convert(batch, types)
        except NotOfTypeError:
            raise Conflict("the file was changed while it was being read", where=str(path)) from None


def _no_rows(types: Mapping[str, str]) -> pl.DataFrame:
    empty = pa.record_batch([pa.array([], pa.string()) for _ in types], names=list(types))
    return convert(empty, types)


def _batches(path: Path, delimiter: str) -> Iterator[pa.RecordBatch]:
    """The rows with every value as text, None where a field is empty and not quoted."""
    names = header(path, delimiter)
    done, block_bytes = 0, _BLOCK_BYTES
    while True:
        try:
            for batch in _blocks(path, delimiter, names, block_bytes, skip=done):
                done += batch.num_rows
                yield batch
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            if "straddl" in str(error) and block_bytes < _LONGEST_BYTES:
                block_bytes *= 8  # a row is longer than what is read at once
                continue
            if _is_header_only(path):
                return
            raise _fault(path, delimiter) or BadInput(f"the file cannot be read: {error}", where=str(path)) from None
        except OSError as error:
            raise unavailable(error, path) from error
        return


def _blocks(
    path: Path, delimiter: str, names: Sequence[str], block_bytes: int, *, skip: int
) -> Iterator[pa.RecordBatch]:
    """The rows from one on, so many bytes at once."""
    with arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=block_bytes, use_threads=False),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,  # with one column, an empty line is a null
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ) as reader:
        for batch in reader:
            if skip < batch.num_rows:
                yield batch.slice(skip)
            skip = max(0, skip - batch.num_rows)


def _refuse_open_quote(path: Path, delimiter: str) -> None:
    """A quote that is never closed takes in the rest of the file, and no reader minds."""
    quotes = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(_BLOCK_BYTES):
                quotes += piece.count(b'"')
    except OSError as error:
        raise unavailable(error, path) from error
    if quotes % 2 and (fault := _fault(path, delimiter)):
        raise fault


def _is_header_only(path: Path) -> bool:
    with path.open("rb") as file:
        return not file.readline(_BLOCK_BYTES).endswith(b"\n") and not file.read(1)


def _fault(path: Path, delimiter: str) -> BadInput | None:
    """The first broken line, found by reading slowly."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                found = f"the byte 0x{line[error.start]:02x} at position {error.start + 1} of the line is not UTF-8"
                return BadInput(found, where=f"{path}:{number}", fix="Save the file as UTF-8")
    csv.field_size_limit(_LONGEST_BYTES)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        start = 1
        try:
            expected = len(next(rows, []))
            start = rows.line_num + 1
            for row in rows:
                if row and len(row) != expected:
                    found = f"the row has {len(row)} fields, the header {expected}"
                    return BadInput(found, where=f"{path}:{start}", fix="Mend it, or quote a field with a comma in it")
                start = rows.line_num + 1
        except csv.Error as error:
            said = "a quote is never closed" if "end of data" in str(error) else f"a quote is out of place ({error})"
            return BadInput(said, where=f"{path}:{start}")
    return None
