"""Small makers of cells, so that rooms read as lists of columns."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from stackcanvas.metadata import CodeState, Execution, Ref
from stackcanvas.plain import bytes_text, cell, duration_text
from stackcanvas.ui.context import Cell
from stackcanvas.ui.links import Links

_TONES = {
    **dict.fromkeys(("done", "finished", "live", "accepted", "ready", "resolved", "passed"), "good"),
    **dict.fromkeys(("running", "queued", "waiting", "pending", "scheduled"), "plain"),
    **dict.fromkeys(("failed", "lost", "killed", "firing", "rolled back", "refused", "unavailable", "drifted"), "bad"),
    **dict.fromkeys(("cancelled", "skipped", "retired", "open", "steady", "ended", "blocked", "cached"), "soft"),
}


def text(value: object, *, tone: str = "plain") -> Cell:
    """Any value as a person reads it."""
    return Cell(cell(value), tone=tone)


def count(number: int | None) -> Cell:
    """A whole number with its thousands apart."""
    return Cell("" if number is None else f"{number:,}")


def share(value: float | None) -> Cell:
    """A part of one as a percentage."""
    return Cell("" if value is None else f"{value:.1%}")


def money(value: Decimal | None, currency: str) -> Cell:
    """An amount of money."""
    return Cell("" if value is None else f"{value:,.2f} {currency}", tone="bad" if value and value < 0 else "plain")


def size(size_bytes: int | None) -> Cell:
    """A size with its unit."""
    return Cell("" if size_bytes is None else bytes_text(size_bytes))


def took(seconds_s: float | None) -> Cell:
    """A duration with its unit."""
    return Cell("" if seconds_s is None else duration_text(seconds_s))


def when(instant: datetime | None) -> Cell:
    """An instant to the minute, in UTC."""
    return Cell("" if instant is None else cell(instant)[:16])


def state(name: str) -> Cell:
    """The state of a record, in its colour."""
    return Cell(name, tone=_TONES.get(name, "plain"))


def digest(value: str | None) -> Cell:
    """The beginning of a digest."""
    return Cell((value or "")[:16], tone="soft", mono=True)


def code(found: CodeState) -> Cell:
    """A commit, and whether the files differed from it."""
    if found.commit is None:
        return Cell("")
    return Cell(found.commit[:10] + (" + changes" if found.dirty else ""), tone="warn" if found.dirty else "plain")


def ref(links: Links, found: Ref | str | None) -> Cell:
    """A ref that leads to its page."""
    if found is None:
        return Cell("")
    shown = str(found)
    return Cell(shown if len(shown) <= 44 else f"{shown[:41]}…", links.ref(found))


def execution(links: Links, found: Execution) -> Cell:
    """The kind of an execution, leading to its page."""
    return Cell(found.kind, links.ref(found.ref))
