"""The compacted prediction log: Parquet files by endpoint and day.

`<endpoint>/<YYYY-MM-DD>.parquet`, and `<YYYY-MM-DD>.1.parquet`, ... where a day has more rows than one file should
hold; the endpoint's name is percent-encoded. Days are those of the rows' time, in UTC. Each file names, in its
footer, the segments whose rows of that day it holds: this is what makes compaction exact. A file is replaced as a
whole, never changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, unquote

from stackcanvas.backends.files import make_folder, sync_folder, unavailable
from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

SEGMENTS = "segments"
_KEY = "stackcanvas.segments"
_ROW_GROUP_ROWS = 50_000
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class DayFile:
    """One file of the compacted log."""

    path: Path
    day: date
    number: int


def endpoint_folder(root: Path, endpoint: str) -> Path:
    """Where the days of an endpoint lie.

    Raises:
        BadInput: no folder can have such a name.
    """
    name = quote(endpoint, safe=" ")
    if len(name) > _LONGEST_NAME - 2:
        raise BadInput(
            f"the endpoint name {endpoint[:20]!r}... is too long for the folder of its predictions",
            expected=f"{_LONGEST_NAME - 2} bytes at most; letters other than a to z count three times their bytes",
        )
    # Two kinds of name are taken: the segments' folder, and those that hide from listings.
    return root / (f"%{ord(name[0]):02X}{name[1:]}" if name == SEGMENTS or name.startswith(".") else name)


def endpoints(root: Path) -> list[str]:
    """Every endpoint that has days."""
    if not root.is_dir():
        return []
    return sorted(unquote(found.name) for found in root.iterdir() if found.is_dir() and found.name != SEGMENTS)


def day_files(folder: Path) -> list[DayFile]:
    """The files of an endpoint, by day and number."""
    found = []
    for path in folder.glob("*.parquet") if folder.is_dir() else ():
        day, _, number = path.name.removesuffix(".parquet").partition(".")
        try:
            found.append(DayFile(path, date.fromisoformat(day), int(number or 0)))
        except ValueError:
            continue  # not one of ours
    return sorted(found, key=lambda file: (file.day, file.number))


def new_file(folder: Path, day: date, number: int) -> DayFile:
    """The file of a day with that number, which need not exist."""
    name = f"{day.isoformat()}.parquet" if number == 0 else f"{day.isoformat()}.{number}.parquet"
    return DayFile(folder / name, day, number)


def merged_segments(source: Path | BinaryIO) -> set[str]:
    """The segments whose rows a file holds."""
    told = pl.read_parquet_metadata(source).get(_KEY)
    return set(json.loads(told)) if told else set()


def write_day(file: DayFile, rows: pl.DataFrame, segments: Iterable[str]) -> None:
    """Put a file in place, whole and durable, or leave what was there.

    Raises:
        Unavailable: the disk is full or not writable.
    """
    fresh = file.path.with_name(f".{file.path.name}.{os.getpid()}")
    try:
        make_folder(file.path.parent)
        rows.sort("prediction_id").write_parquet(
            fresh,
            compression="zstd",
            row_group_size=_ROW_GROUP_ROWS,
            metadata={_KEY: json.dumps(sorted(segments))},
        )
        with fresh.open("rb+") as written:
            os.fsync(written.fileno())
        fresh.replace(file.path)
        sync_folder(file.path.parent)
    except OSError as error:
        raise unavailable(error, file.path) from error
    finally:
        fresh.unlink(missing_ok=True)


def leftovers(root: Path) -> Iterator[Path]:
    """What killed compactions left half written."""
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.is_dir() and folder.name != SEGMENTS:
            yield from folder.glob(".*.parquet.*")
