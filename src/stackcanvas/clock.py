"""Time is passed in, so that tests and replays decide what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time in UTC, with a zone."""

    def now(self) -> datetime:
        """The current instant."""
        ...


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """The current instant of the machine."""
        return datetime.now(UTC)


class SteadyClock:
    """The time of this machine as it was when the clock was made, and the seconds that have gone by since.

    A machine whose clock is set forward or back by hours goes on counting seconds: what only asks how long something
    has lasted is not misled. It may be wrong about what time it is.
    """

    def __init__(self) -> None:
        self._begun = datetime.now(UTC)
        self._begun_s = time.monotonic()

    def now(self) -> datetime:
        """The instant of the start plus what has gone by."""
        return self._begun + timedelta(seconds=time.monotonic() - self._begun_s)


class ManualClock:
    """A clock that stands still until it is moved; for tests and for replaying the past.

    Args:
        start: the first instant it shows, with a zone.

    Example:
        >>> clock = ManualClock(datetime(2013, 5, 1, tzinfo=UTC))
        >>> clock.move_to(datetime(2013, 5, 2, tzinfo=UTC))
        >>> clock.now().isoformat()
        '2013-05-02T00:00:00+00:00'
    """

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was last moved to."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Show another instant."""
        self._now = instant.astimezone(UTC)

    def advance(self, *, seconds_s: float) -> None:
        """Move forward by so many seconds."""
        self._now += timedelta(seconds=seconds_s)


def to_us(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly.

    Raises:
        ValueError: the instant has no zone.

    Example:
        >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000000
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone")
    return (instant - _EPOCH) // _MICROSECOND


def from_us(microseconds_us: int) -> datetime:
    """The instant so many microseconds after 1970-01-01 UTC.

    Example:
        >>> from_us(1_000_000).isoformat()
        '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + microseconds_us * _MICROSECOND
