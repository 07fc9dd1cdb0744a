"""The audit log: decisions, each entry sealed with the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, select

from stackcanvas.backends.database import Database
from stackcanvas.clock import Clock, to_us
from stackcanvas.metadata import counters
from stackcanvas.metadata.actors import Actor
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.tables import audit

_GENESIS = "0" * 64
# Made once: putting a statement together takes longer than executing it.
_HASH = select(audit.c.hash).where(audit.c.sequence == bindparam("which"))
_ADD = audit.insert()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who decided what about which thing, and when."""

    sequence: int
    time: datetime
    actor: str
    verified: bool
    action: str
    subject: Ref
    detail: dict[str, object]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """A place where the log is not what was written."""

    sequence: int
    what: str


class Audit:
    """Appends entries and tells whether any was altered, inserted, removed or cut off."""

    def __init__(self, database: Database, *, clock: Clock, actor: Callable[[], Actor]) -> None:
        self._database = database
        self._clock = clock
        self._actor = actor

    def add(self, tx: Connection, action: str, subject: Ref, detail: Mapping[str, object] | None = None) -> str:
        """Append an entry inside the caller's transaction; returns its hash."""
        sequence = counters.take(self._database, tx, "audit")
        entry: dict[str, object] = {
            "sequence": sequence,
            "time": self._clock.now(),
            "actor": self._actor().name,
            "verified": self._actor().verified,
            "action": action,
            "subject": str(subject),
            "detail": json.dumps(dict(detail or {}), sort_keys=True, default=str),
            "previous": tx.execute(_HASH, {"which": sequence - 1}).scalar_one_or_none() or _GENESIS,
        }
        sealed = _seal(entry)
        tx.execute(_ADD, {**entry, "hash": sealed})
        return sealed

    def entries(self, *, subject: Ref | None = None, limit: int = 100) -> list[AuditEntry]:
        """The last entries, newest first."""
        chosen = select(audit).order_by(audit.c.sequence.desc()).limit(limit)
        if subject is not None:
            chosen = chosen.where(audit.c.subject == str(subject))
        with self._database.read() as connection:
            rows = connection.execute(chosen).mappings().all()
        return [
            AuditEntry(**{**row, "subject": Ref.parse(row["subject"]), "detail": json.loads(row["detail"])})
            for row in rows
        ]

    def head(self) -> tuple[int, str]:
        """Length of the log and hash of its last entry, to be published where it cannot be rewritten."""
        with self._database.read() as connection:
            last = select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
            row = connection.execute(last).one_or_none()
        return (int(row.sequence), str(row.hash)) if row else (0, _GENESIS)

    def verify(self, *, heads: Collection[tuple[int, str]] = (), last: int | None = None) -> list[AuditProblem]:
        """Every place where the log was tampered with; an empty list means that it was not.

        Args:
            heads: published lengths and hashes that the log must still contain.
            last: look at so many entries at the end only; all by default.
        """
        problems: list[AuditProblem] = []
        told = dict(heads)
        with self._database.read() as connection:
            length = max(counters.value(connection, "audit"), *told, 0)
            first = 1 if last is None else max(1, length - last + 1)
            before = select(audit.c.hash).where(audit.c.sequence == first - 1)
            previous, expected = connection.execute(before).scalar_one_or_none() or _GENESIS, first
            chosen = select(audit).order_by(audit.c.sequence)
            chosen = chosen if last is None else chosen.where(audit.c.sequence >= first)
            for row in connection.execute(chosen).mappings():
                problems += _check(row, expected, previous)
                if told.get(row["sequence"], row["hash"]) != row["hash"]:
                    problems.append(AuditProblem(row["sequence"], "differs from the published head"))
                previous, expected = row["hash"], row["sequence"] + 1
        if expected <= length:
            problems.append(AuditProblem(expected, f"entries {expected} to {length} are cut off the end"))
        elif expected > length + 1:
            problems.append(AuditProblem(length + 1, f"entries {length + 1} to {expected - 1} were added by hand"))
        return problems


def _check(row: RowMapping, expected: int, previous: str) -> list[AuditProblem]:
    found: list[AuditProblem] = []
    sequence = int(row["sequence"])
    if sequence != expected:
        found.append(AuditProblem(expected, f"entries {expected} to {sequence - 1} are missing"))
    elif row["previous"] != previous:
        found.append(AuditProblem(sequence, "does not follow the entry before it"))
    if row["hash"] != _seal({name: row[name] for name in row if name != "hash"}):
        found.append(AuditProblem(sequence, "was altered"))
    return found


def _seal(entry: Mapping[str, object]) -> str:
    time = entry["time"]
    assert isinstance(time, datetime)
    canonical = json.dumps({**entry, "time": to_us(time)}, sort_keys=True)
    return hashlib.blake2b(canonical.encode(), digest_size=32).hexdigest()
