"""Rows to a file of the kind that its name says, whole or not at all."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from stackcanvas.backends.files import unavailable
from stackcanvas.data.frames import records
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.plain import plain

if TYPE_CHECKING:
    import polars as pl


def _csv(rows: pl.LazyFrame, path: Path) -> None:
    nested = [name for name, kind in rows.collect_schema().items() if kind.is_nested()]
    if nested:
        raise BadInput(
            f"the column {nested[0]!r} holds lists or records, which CSV cannot hold",
            fix="Write a .parquet or .jsonl file, or leave the column out",
        )
    rows.sink_csv(path)


def _json(rows: pl.LazyFrame, path: Path) -> None:
    """One array, a row a line; what JSON cannot hold is written as the commands print it."""
    with path.open("w", encoding="utf-8") as file:
        comma = "["
        for part in rows.collect_batches(maintain_order=True):
            for row in records(part):
                file.write(f"{comma}\n{json.dumps(plain(row), ensure_ascii=False, allow_nan=False)}")
                comma = ","
        file.write("[]\n" if comma == "[" else "\n]\n")


_WRITERS: Mapping[str, Callable[[pl.LazyFrame, Path], None]] = MappingProxyType(
    {
        ".csv": _csv,
        ".parquet": lambda rows, path: rows.sink_parquet(path),
        ".json": _json,
        ".jsonl": lambda rows, path: rows.sink_ndjson(path),
        ".arrow": lambda rows, path: rows.sink_ipc(path),
    }
)

KINDS = tuple(_WRITERS)
"""The ends of names that can be written."""


def check_path(path: Path) -> None:
    """Refuse a path that cannot be written before any work is done.

    Raises:
        BadInput: its end is none of `KINDS`, or it is a folder.
        NotFound: its folder does not exist.
    """
    if path.suffix.lower() not in _WRITERS:
        raise BadInput(f"{path.name!r} does not say what to write", expected=f"a name that ends in {', '.join(KINDS)}")
    if path.is_dir():
        raise BadInput("this is a folder", where=str(path), expected="the name of a file")
    if not path.absolute().parent.is_dir():
        raise NotFound("folder", str(path.absolute().parent))


def write_rows(rows: pl.LazyFrame, path: Path) -> None:
    """Write rows in constant memory; what was at the path stays until all is written.

    Raises:
        BadInput: the rows do not fit this kind of file.
        Unavailable: the disk is full, or the place may not be written.
    """
    write_whole(path, lambda target: _WRITERS[path.suffix.lower()](rows, target))


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Have a file written beside its place and moved there when it is whole."""
    written = path.absolute().with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        write(written)
        written.replace(path)
    except OSError as error:
        raise unavailable(error, path) from error
    finally:
        written.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write a text as UTF-8, whole or not at all.

    Raises:
        NotFound: the folder does not exist.
        Unavailable: the file cannot be written.
    """
    if not path.absolute().parent.is_dir():
        raise NotFound("folder", str(path.absolute().parent))
    write_whole(path, lambda target: _put(target, text))


def _put(target: Path, text: str) -> None:
    target.write_text(text, encoding="utf-8")
