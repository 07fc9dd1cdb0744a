"""How long the prediction log is kept: days that are older go, each as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from stackcanvas.clock import from_us
from stackcanvas.serving.compact import alone_at
from stackcanvas.serving.days import DayFile, day_files, endpoint_folder, endpoints

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OldDays:
    """The days of an endpoint's log that are old enough to go.

    Args:
        keep: how long its predictions are kept.
        size_bytes: of their files.
    """

    endpoint: str
    keep: timedelta
    days: tuple[date, ...]
    size_bytes: int


def old_days(root: Path, keep: Callable[[str], timedelta | None], *, now: datetime) -> list[OldDays]:
    """The days that are over for longer than they are kept, by endpoint.

    A day counts from its end, and not before its file was last written: predictions of other times that were replayed
    today are kept as long as those of today.

    Args:
        root: `predictions` of a project.
        keep: how long the predictions of an endpoint are kept; None for good.
    """
    found = []
    for endpoint, wanted, files in _old(root, keep, now):
        days = tuple(sorted({file.day for file in files}))
        found.append(OldDays(endpoint, wanted, days, sum(file.path.stat().st_size for file in files)))
    return found


def remove_old_days(root: Path, keep: Callable[[str], timedelta | None], *, now: datetime) -> list[OldDays]:
    """Remove the days that are over for longer than they are kept; nothing while somebody else writes days."""
    with alone_at(root) as alone:
        found = old_days(root, keep, now=now) if alone else []
        for one in found:
            for file in day_files(endpoint_folder(root, one.endpoint)):
                if file.day in one.days:
                    file.path.unlink(missing_ok=True)
    return found


def _old(
    root: Path, keep: Callable[[str], timedelta | None], now: datetime
) -> Iterator[tuple[str, timedelta, list[DayFile]]]:
    for endpoint in endpoints(root):
        wanted = keep(endpoint)
        if wanted is None:
            continue
        files = day_files(endpoint_folder(root, endpoint))
        # A day that lies in several files goes as a whole.
        fresh = {file.day for file in files if _since(file) > now - wanted}
        old = [file for file in files if file.day not in fresh]
        if old:
            yield endpoint, wanted, old


def _since(file: DayFile) -> datetime:
    ended = datetime.combine(file.day, time(), UTC) + _DAY
    return max(ended, from_us(file.path.stat().st_mtime_ns // 1000))
