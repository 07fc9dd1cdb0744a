"""Heads of the audit log, published where whoever can change the database cannot change them.

A head is the length of the log and the hash of its last entry. One is put into the object store each day, and one after
each consent, under a key that is written once: a log that was rewritten as a whole no longer contains them.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

from stackcanvas.errors import Conflict, Corrupt
from stackcanvas.metadata import AuditProblem

if TYPE_CHECKING:
    from stackcanvas.backends.objects import Objects
    from stackcanvas.stack.stack import Stack

_PREFIX = "audit/heads/"
_CONSENT = "model.consent"


class Heads:
    """Publishes heads.

    Args:
        stack: whose log it is.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._day: date | None = None
        self._length = 0

    def tick(self, now: datetime) -> bool:
        """Publish a head where one is due; tells whether it did. Several workers may do it at once."""
        length, hash_ = self._stack.spine.audit.head()
        new_day = now.date() != self._day
        consented = length != self._length and self._consented(length)
        self._length = length
        if not length or not (new_day or consented):
            return False
        key = f"{_PREFIX}{now:%Y-%m-%d}" + (f"-{length:012d}" if consented else "")
        told = json.dumps({"length": length, "hash": hash_, "time": now.isoformat()})
        self._day = now.date()
        try:
            self._stack.objects.put(key, told.encode(), if_absent=True)
        except Conflict:  # another worker, or this one before it was started again
            return False
        return True

    def _consented(self, length: int) -> bool:
        if not self._length:
            return False  # what was there at the start is in the head of the day
        fresh = self._stack.spine.audit.entries(limit=min(length - self._length, 1000)) if length > self._length else []
        return any(entry.action == _CONSENT for entry in fresh)


def published(objects: Objects) -> list[tuple[int, str]]:
    """The heads that were published, the shortest log first.

    Raises:
        Corrupt: one of them is not readable.
    """
    found, broken = _read(objects)
    if broken:
        raise Corrupt("a published head of the audit log is not readable", where=broken[0])
    return found


def verify(stack: Stack) -> list[AuditProblem]:
    """Every place where the audit log was tampered with, told by its own seals and by the published heads."""
    found, broken = _read(stack.objects)
    unreadable = [AuditProblem(0, f"and those after it cannot be compared with {key}: it is no head") for key in broken]
    return [*unreadable, *stack.spine.audit.verify(heads=found)]


def _read(objects: Objects) -> tuple[list[tuple[int, str]], list[str]]:
    """The heads, the shortest log first, and the keys of those that are not readable."""
    found, broken = set(), []
    for info in objects.list(_PREFIX):
        try:
            told = json.loads(objects.get(info.key))
            found.add((int(told["length"]), str(told["hash"])))
        except (ValueError, KeyError, TypeError):
            broken.append(info.key)
    return sorted(found), broken
