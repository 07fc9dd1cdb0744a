"""Windows: which stretches of traffic are due to be looked at, and which were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from stackcanvas.backends.database import Database
from stackcanvas.clock import from_us, to_us
from stackcanvas.monitoring.tables import monitor_window

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of traffic, `start <= time < end`."""

    start: datetime
    end: datetime


def due(now: datetime, *, length: timedelta, every: timedelta) -> Window:
    """The last whole window: windows end at multiples of `every` since 1970.

    Example:
        >>> from datetime import UTC
        >>> found = due(datetime(2013, 5, 3, 7, 30, tzinfo=UTC), length=timedelta(days=7), every=timedelta(days=1))
        >>> found.start.isoformat(), found.end.isoformat()
        ('2013-04-26T00:00:00+00:00', '2013-05-03T00:00:00+00:00')
    """
    step_us = every // _MICROSECOND
    end = from_us(to_us(now) // step_us * step_us)
    return Window(end - length, end)


class Windows:
    """The windows of all endpoints that were looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, endpoint: str, kind: str) -> datetime | None:
        """The end of the last window that was looked at."""
        window = monitor_window.c
        chosen = select(window.window_end).where(window.endpoint == endpoint, window.kind == kind)
        with self._database.read() as connection:
            return connection.execute(chosen.order_by(window.window_end.desc()).limit(1)).scalar_one_or_none()

    def stale(self, endpoint: str, kind: str) -> list[Window]:
        """Windows that have changed since they were looked at, oldest first."""
        window = monitor_window.c
        chosen = select(window.window_start, window.window_end).where(
            window.endpoint == endpoint, window.kind == kind, window.stale
        )
        with self._database.read() as connection:
            return [Window(start, end) for start, end in connection.execute(chosen.order_by(window.window_end))]

    def mark(self, tx: Connection, endpoint: str, kind: str, seen: Window, *, now: datetime) -> None:
        """Write that a window was looked at."""
        values = {"window_start": seen.start, "measured": now, "stale": False}
        new = self._database.insert(monitor_window).values(endpoint=endpoint, kind=kind, window_end=seen.end, **values)
        keys = [monitor_window.c.endpoint, monitor_window.c.kind, monitor_window.c.window_end]
        tx.execute(new.on_conflict_do_update(index_elements=keys, set_=values))
