"""Small makers of cells, so that rooms read as lists of columns."""

from __future__ import annotations

from collections.abc import Sequence
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


_LONGEST = 200


def text(value: object, *, tone: str = "plain", longest: int = _LONGEST) -> Cell:
    """Any value as a person reads it, cut where it is long."""
    shown = cell(value)
    return Cell(shown if len(shown) <= longest else f"{shown[: longest - 1]}…", tone=tone)


def actor(name: str, *, verified: bool = True) -> Cell:
    """Who did it, without the address, and whether that is sure."""
    short = name.partition(" <")[0]
    return Cell(short if verified else f"{short} (unverified)", tone="soft", whole=len(short) < 40)


def chance(value: float) -> Cell:
    """A probability; tiny ones are only called so."""
    return Cell("under 0.001" if value < 0.001 else f"{value:.3f}")


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
    # Nothing takes no time: the clock stood still, as it does in a replay.
    return Cell(duration_text(seconds_s) if seconds_s else "")


def when(instant: datetime | None) -> Cell:
    """An instant to the minute, in UTC."""
    return Cell("" if instant is None else cell(instant)[:16], whole=True)


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


def run(links: Links, found: Ref | None) -> Cell:
    """A run by the end of its id, which is where ids differ, leading to its page."""
    return Cell("") if found is None else Cell(f"…{found.name[-8:]}", links.ref(found))


def models(links: Links, refs: Sequence[str]) -> Cell:
    """Model versions; a single one leads to its page."""
    return ref(links, refs[0]) if len(refs) == 1 else Cell(", ".join(one.partition(":")[2] for one in refs))


def execution(links: Links, found: Execution) -> Cell:
    """The kind of an execution, leading to its page."""
    return Cell(found.kind, links.ref(found.ref))
