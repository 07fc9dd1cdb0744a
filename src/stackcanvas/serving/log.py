"""The prediction log as a source: every row once, whether it was compacted already or answered a moment ago."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import NotFound
from stackcanvas.late import late
from stackcanvas.metadata import Ref
from stackcanvas.serving.compact import Compacted, compact, segment_frame, segment_name
from stackcanvas.serving.days import SEGMENTS, day_files, endpoint_folder, endpoints, merged_segments
from stackcanvas.serving.erasing import Found, Told, erase, find
from stackcanvas.serving.keeping import OldDays, old_days, remove_old_days
from stackcanvas.serving.server.segments import OPEN, SEALED, endpoint_of

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

SHADOW, ERROR, FALLBACK = "shadow", "error", "fallback"
_DAY = timedelta(days=1)
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row that was answered.

    Args:
        prediction_id: ours.
        row: its place in the request.
        request_id: the client's, where it sent one.
        entity: what the record carried beside the features.
        status: ok, warned, fallback, error or shadow.
        reason: why it is not ok.
    """

    prediction_id: str
    row: int
    request_id: str | None
    time: datetime
    endpoint: str
    variant: str
    model: str
    entity: dict[str, Any] | None
    features: dict[str, Any] | None
    output: dict[str, Any] | None
    fallback: bool
    status: str
    reason: str | None
    latency_us: int

    @property
    def ref(self) -> Ref:
        """The ref of the prediction."""
        return Ref("prediction", self.prediction_id)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the log shows of an endpoint, or of one model version there, in a stretch of time.

    Args:
        predictions: rows that came to it, answered or not.
        errors: rows that it failed on with nothing to stand in.
        fallbacks: rows that the fallback answered.
        p99_us: the latency that 99 of 100 rows stayed under; None without rows.
    """

    predictions: int
    errors: int
    fallbacks: int
    p99_us: int | None


class Log:
    """Reads the log of a project.

    Args:
        root: `predictions` in the project's state.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def endpoints(self) -> list[str]:
        """Every endpoint that has rows."""
        live = {endpoint_of_segment(path) for path in self._segments()}
        return sorted({*endpoints(self._root), *(found for found in live if found is not None)})

    def scan(self, endpoint: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.LazyFrame:
        """The rows of an endpoint with `start <= time < end`, as they are at this moment.

        Columns: prediction_id, row, request_id, time, endpoint, variant, model, entity (JSON text), features and output
        (structs), fallback, status, reason, latency_us. A shadow's row has the id of the row that it copies. Without
        any rows the frame has no columns.

        Args:
            endpoint: its name.
            start: the first instant, with a zone.
            end: the first instant that is too late, with a zone.
        """
        for _ in range(_TRIES):
            frames = self._snapshot(endpoint, start, end)
            if frames is not None:
                break
        else:
            raise RuntimeError("the prediction log changed faster than it could be read")
        if not frames:
            return pl.LazyFrame()
        whole = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
        if start is not None:
            whole = whole.filter(pl.col("time") >= start)
        return whole if end is None else whole.filter(pl.col("time") < end)

    def tail(self, endpoint: str, *, limit: int = 20) -> list[Prediction]:
        """The last rows of an endpoint, newest first."""
        rows = self.scan(endpoint)
        if not rows.collect_schema().names():
            return []
        newest = rows.sort("time", "prediction_id", descending=True).head(limit).collect()
        return [_prediction(row) for row in newest.iter_rows(named=True)]

    def get(self, prediction_id: str) -> Prediction:
        """One row; of a row and its shadows the one that was given.

        Raises:
            NotFound: it is not in the log: unknown, sampled out, dropped, or not flushed yet.
        """
        wanted = pl.col("prediction_id") == prediction_id
        for endpoint in self.endpoints():
            rows = self.scan(endpoint)
            if rows.collect_schema().names():
                found = rows.filter(wanted).collect()
                if found.height:
                    return _prediction(found.sort(pl.col("status") == SHADOW).row(0, named=True))
        raise NotFound("prediction in the log", prediction_id)

    def counts(
        self,
        endpoint: str,
        *,
        model: Ref | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Counts:
        """How an endpoint, or one model version there, did between two instants."""
        rows = self.scan(endpoint, start=start, end=end)
        if not rows.collect_schema().names():
            return Counts(0, 0, 0, None)
        if model is not None:
            rows = rows.filter(pl.col("model") == str(model))
        status = pl.col("status")
        found = rows.select(
            predictions=pl.len(),
            errors=(status == ERROR).sum(),
            fallbacks=(status == FALLBACK).sum(),
            p99_us=pl.col("latency_us").quantile(0.99, "higher"),
        ).collect()
        row = found.row(0, named=True)
        p99_us = row["p99_us"]
        return Counts(row["predictions"], row["errors"], row["fallbacks"], None if p99_us is None else int(p99_us))

    def old_days(self, keep: Callable[[str], timedelta | None], *, now: datetime) -> list[OldDays]:
        """The days that are over for longer than they are kept.

        Args:
            keep: how long the predictions of an endpoint are kept; None for good.
        """
        return old_days(self._root, keep, now=now)

    def remove_old_days(self, keep: Callable[[str], timedelta | None], *, now: datetime) -> list[OldDays]:
        """Remove the days that are over for longer than they are kept; what went."""
        return remove_old_days(self._root, keep, now=now)

    def find_person(self, told: Told) -> Found:
        """The rows of a person."""
        return find(self._root, told)

    def erase_person(self, told: Told) -> Found:
        """Take the rows of a person out, or empty their columns; what is being written is only counted.

        Raises:
            Conflict: the log is being compacted.
        """
        self.compact()
        erase(self._root, told)
        return find(self._root, told)

    def compact(self) -> Compacted:
        """Move the rows of ended segments into the files of their days.

        Raises:
            Unavailable: the disk is full or not writable.
        """
        return compact(self._root)

    def _snapshot(self, endpoint: str, start: datetime | None, end: datetime | None) -> list[pl.LazyFrame] | None:
        """The parts that make up the log of an endpoint now; None when it changed meanwhile.

        Segments are read first, then the days are opened: a row that moves in between is seen in both, and the names in
        the footers say which. Files are read through open handles, so that a later compaction does not reach them.
        """
        try:
            segments = {path: segment_frame(path) for path in self._segments() if endpoint_of(path) == endpoint}
            frames, merged = self._days(endpoint, start, end)
        except FileNotFoundError:
            return None
        for path, rows in segments.items():
            if not _is_there(path):
                return None  # gone: a day that was written again since may no longer name it
            name = segment_name(path)
            if name in merged and rows.height:
                rows = rows.filter(~pl.col("time").dt.date().is_in(sorted(merged[name])))  # noqa: PLW2901 - those left
            if rows.height:
                frames.append(rows.lazy())
        return frames

    def _days(
        self, endpoint: str, start: datetime | None, end: datetime | None
    ) -> tuple[list[pl.LazyFrame], dict[str, set[date]]]:
        """The days of an endpoint within a stretch of time, and which segments have rows in which day."""
        frames: list[pl.LazyFrame] = []
        merged: dict[str, set[date]] = {}
        for file in day_files(endpoint_folder(self._root, endpoint)):
            with file.path.open("rb") as handle:
                for name in merged_segments(handle):
                    merged.setdefault(name, set()).add(file.day)
                if _overlaps(file.day, start, end):
                    handle.seek(0)
                    frames.append(pl.scan_parquet(handle))  # keeps a handle of its own
        return frames, merged

    def _segments(self) -> Iterator[Path]:
        folder = self._root / SEGMENTS
        return iter(sorted(folder.glob(f"*{OPEN}")) if folder.is_dir() else [])


def endpoint_of_segment(path: Path) -> str | None:
    """The endpoint of a segment, None when it is gone."""
    try:
        return endpoint_of(path)
    except FileNotFoundError:
        return None


def _is_there(path: Path) -> bool:
    return path.exists() or path.with_name(f"{segment_name(path)}{SEALED}").exists()


def _overlaps(day: date, start: datetime | None, end: datetime | None) -> bool:
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return (start is None or first + _DAY > start) and (end is None or first < end)


def _prediction(row: dict[str, Any]) -> Prediction:
    entity = row["entity"]
    return Prediction(**{**row, "entity": None if entity is None else json.loads(entity)})
