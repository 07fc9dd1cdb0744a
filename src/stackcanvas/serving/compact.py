"""Compaction: the rows of ended segments move into the files of their days, each exactly once.

For each endpoint and day the new rows and the segments' names enter one file in one replacement; only when that is done
for all its days is a segment deleted. Killed anywhere between, the next compaction finds the names in the footers and
goes on from there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.files import make_folder, unavailable
from stackcanvas.late import late
from stackcanvas.serving.days import (
    SEGMENTS,
    DayFile,
    day_files,
    endpoint_folder,
    leftovers,
    merged_segments,
    new_file,
    write_day,
)
from stackcanvas.serving.server.segments import OPEN, SEALED, is_orphan, is_torn, read_batches

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

DAMAGED = ".damaged"
_FULL_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did.

    Args:
        segments: that were moved and deleted.
        rows: that were moved.
        files: that were written.
    """

    segments: int = 0
    rows: int = 0
    files: int = 0


def compact(root: Path) -> Compacted:
    """Move the rows of every ended segment under a folder; does nothing while another process is at it.

    Args:
        root: `predictions` of a project.

    Raises:
        Unavailable: the disk is full or not writable; what was moved until then stays moved.
    """
    if not (root / SEGMENTS).is_dir():
        return Compacted()
    with alone_at(root) as alone:
        if not alone:
            return Compacted()
        for path in leftovers(root):
            path.unlink(missing_ok=True)
        ended = _ended(root / SEGMENTS)
        frames = {path: segment_frame(path) for path in ended}
        done = Compacted()
        by_endpoint: dict[str, list[Path]] = {}
        for path, frame in frames.items():
            if frame.height:
                by_endpoint.setdefault(frame["endpoint"][0], []).append(path)
        for endpoint, paths in sorted(by_endpoint.items()):
            moved = _move(endpoint_folder(root, endpoint), {segment_name(path): frames[path] for path in paths})
            done = Compacted(0, done.rows + moved.rows, done.files + moved.files)
        for path in ended:
            if path.name.endswith(SEALED) and is_torn(path):
                # A whole file that no longer reads to its end: its readable rows are moved, its bytes are evidence.
                path.rename(path.with_name(path.name + DAMAGED))
            path.unlink(missing_ok=True)
    return Compacted(len(ended), done.rows, done.files)


def segment_name(path: Path) -> str:
    """What a segment is called whether it is sealed or not."""
    return path.name.removesuffix(SEALED).removesuffix(OPEN)


def segment_frame(path: Path) -> pl.DataFrame:
    """All whole rows of a segment.

    Raises:
        FileNotFoundError: it was sealed or compacted meanwhile.
    """
    frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in read_batches(path)]
    return pl.concat(frames) if frames else pl.DataFrame()


def _ended(folder: Path) -> list[Path]:
    """Sealed segments, and those whose process is gone."""
    found = []
    for path in sorted(folder.glob(f"*{OPEN}")):
        try:
            if path.name.endswith(SEALED) or is_orphan(path):
                found.append(path)
        except FileNotFoundError:
            continue  # sealed between the listing and the look; the next compaction takes it
    return found


def _move(folder: Path, frames: dict[str, pl.DataFrame]) -> Compacted:
    """The rows of some segments of one endpoint into the files of their days."""
    rows = pl.concat(
        [frame.with_columns(_segment=pl.lit(name), _day=pl.col("time").dt.date()) for name, frame in frames.items()],
        how="diagonal_relaxed",
    )
    moved, files = 0, 0
    for (day,), part in rows.group_by("_day"):
        assert isinstance(day, date)
        had = [file for file in day_files(folder) if file.day == day]
        known = set().union(*(merged_segments(file.path) for file in had))
        fresh = part.filter(~pl.col("_segment").is_in(sorted(known)))
        if fresh.is_empty():
            continue
        names = set(fresh["_segment"].unique().to_list())
        _append(folder, day, had, fresh.drop("_segment", "_day"), names)
        moved, files = moved + fresh.height, files + 1
    return Compacted(0, moved, files)


def _append(folder: Path, day: date, had: list[DayFile], rows: pl.DataFrame, names: set[str]) -> None:
    """The rows join the last file of the day, or begin the next when that one is full."""
    last = had[-1] if had else None
    if last is None or last.path.stat().st_size >= _FULL_BYTES:
        write_day(new_file(folder, day, last.number + 1 if last else 0), rows, names)
        return
    # Names of segments that are deleted need not be remembered: nobody can meet them again.
    segments = folder.parent / SEGMENTS
    kept = {name for name in merged_segments(last.path) if any(segments.glob(f"{name}.*"))}
    together = pl.concat([pl.read_parquet(last.path), rows], how="diagonal_relaxed")
    write_day(last, together, kept | names)


@contextmanager
def alone_at(root: Path) -> Iterator[bool]:
    """Whether nobody else writes the days of this folder; the system frees the lock of one that is killed."""
    try:
        make_folder(root)
        handle = os.open(root / "compact.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unavailable(error, root) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)
