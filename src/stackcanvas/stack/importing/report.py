"""What an import did, or would do: counts, bytes, what is called otherwise here, and what could not come in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from stackcanvas.clock import from_us
from stackcanvas.errors import BadInput

Advance = Callable[[int], None]
"""Told how many entries more are done."""

NEW, CHANGED, SAME, LEFT = "new", "changed", "same", "left_out"
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Counted:
    """How many entries of a kind there were.

    Args:
        changed: were here already and have changed since.
        same: were here already as they are.
        left_out: could not come in.
    """

    kind: str
    new: int
    changed: int
    same: int
    left_out: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that did not come in, and why."""

    kind: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """Something that is called otherwise here."""

    kind: str
    there: str
    here: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Args:
        source: where it came from, without secrets.
        planned: nothing was written; it tells what would be.
        counts: by kind.
        size_bytes: of files that came in.
        left_out: what could not come in; of very many the first thousand.
        mapped: what is called otherwise here.
        wrote: a file that was written beside the canvas, where one was.
    """

    source: str
    planned: bool
    counts: tuple[Counted, ...]
    size_bytes: int
    left_out: tuple[LeftOut, ...]
    mapped: tuple[Mapped, ...]
    wrote: str | None = None

    @property
    def new(self) -> int:
        """How many entries came in."""
        return sum(one.new for one in self.counts)

    @property
    def changed(self) -> int:
        """How many were here and were brought to what they are now."""
        return sum(one.changed for one in self.counts)


class Tally:
    """Counts while an import goes on; several threads may tell it."""

    def __init__(self, source: str, *, plan: bool, advance: Advance) -> None:
        self.source = source
        self.plan = plan
        self.advance = advance
        self.wrote: str | None = None
        self._lock = threading.Lock()
        self._counts: dict[str, dict[str, int]] = {}
        self._left: list[LeftOut] = []
        self._mapped: list[Mapped] = []
        self._size_bytes = 0

    def count(self, kind: str, what: str, number: int = 1) -> None:
        """Say that so many entries of a kind are new, changed, same or left out."""
        with self._lock:
            counts = self._counts.setdefault(kind, dict.fromkeys((NEW, CHANGED, SAME, LEFT), 0))
            counts[what] += number
        self.advance(number)

    def carried(self, size_bytes: int) -> None:
        """Say that so many bytes came in, or would."""
        with self._lock:
            self._size_bytes += size_bytes

    def leave(self, kind: str, name: str, why: str, number: int = 1) -> None:
        """Say that something did not come in, and why."""
        with self._lock:
            if len(self._left) < _MOST:
                self._left.append(LeftOut(kind, name, why))
        self.count(kind, LEFT, number)

    def map(self, kind: str, there: str, here: str) -> None:
        """Say that something is called otherwise here."""
        with self._lock:
            self._mapped.append(Mapped(kind, there, here))

    def done(self) -> Imported:
        """All of it."""
        counts = tuple(Counted(kind, **counts) for kind, counts in self._counts.items())
        return Imported(
            self.source,
            self.plan,
            counts,
            self._size_bytes,
            tuple(self._left),
            tuple(self._mapped),
            self.wrote,
        )


def instant_of(milliseconds: object) -> datetime:
    """An instant from milliseconds since 1970, as other tools write it.

    Raises:
        BadInput: it is none.

    Example:
        >>> instant_of(1_000).isoformat()
        '1970-01-01T00:00:01+00:00'
    """
    try:
        return from_us(int(str(milliseconds)) * 1000)
    except (ValueError, OverflowError):
        raise BadInput(f"{str(milliseconds)[:40]!r} is no time", expected="milliseconds since 1970") from None
