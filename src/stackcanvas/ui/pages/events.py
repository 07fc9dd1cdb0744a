"""The page of events."""

from __future__ import annotations

from collections.abc import Mapping

from stackcanvas.errors import BadInput
from stackcanvas.stack import Stack
from stackcanvas.ui.context import EventsPage
from stackcanvas.ui.links import Links
from stackcanvas.ui.pages.page import Page
from stackcanvas.ui.tables import events_table

_AT_ONCE = 100


def build(stack: Stack, links: Links, asked: Mapping[str, str]) -> Page:
    """The last hundred events, or those before a number."""
    before = _number(asked.get("before"))
    if before is None:
        found = stack.spine.events.latest(limit=_AT_ONCE)
    else:
        found = stack.spine.events.after(max(0, before - _AT_ONCE - 1), limit=_AT_ONCE)
        found = [event for event in reversed(found) if event.sequence < before]
    older = links.events(before=found[-1].sequence) if found and found[-1].sequence > 1 else None
    return Page("events.html", "Events", EventsPage(events_table(found, links), older))


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise BadInput(f"{text[:40]!r} is not a number of an event", expected="a whole number")
    return int(text)
