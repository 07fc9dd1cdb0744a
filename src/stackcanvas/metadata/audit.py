"""The audit log: decisions, each entry sealed with the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, select

from stackcanvas.backends.database import Database, Ready
from stackcanvas.clock import Clock, to_us
from stackcanvas.errors import Conflict
from stackcanvas.metadata import counters
from stackcanvas.metadata.actors import Actor
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.tables import audit

_GENESIS = "0" * 64
CUT = "audit.cut"
"""The decision to give up the oldest entries."""
# Made once: putting a statement together takes longer than executing it.
_HASH = Ready(select(audit.c.hash).where(audit.c.sequence == bindparam("which")), ("which",))
_ADD = Ready(audit.insert(), tuple(audit.c.keys()))


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
            "previous": _hash(tx, sequence - 1) or _GENESIS,
        }
        sealed = _seal(entry)
        _ADD.run(tx, [{**entry, "hash": sealed}])
        return sealed

    def cut(self, tx: Connection, through: int, hash_: str) -> int:
        """Give up the entries up to one, inside the caller's transaction; an entry says so. Returns how many went.

        The entries that stay are verified from there on.

        Args:
            hash_: of the last that goes, as its published head tells it.

        Raises:
            Conflict: that entry is not what was published.
        """
        if _hash(tx, through) != hash_:
            raise Conflict(
                f"entry {through} of the audit log is not the one that was published",
                fix="See what was altered: stackcanvas metadata audit --verify",
            )
        gone = tx.execute(delete(audit).where(audit.c.sequence <= through)).rowcount
        self.add(tx, CUT, Ref("execution", "audit"), {"through": through, "hash": hash_, "entries": gone})
        return int(gone)

    def last_before(self, before: datetime) -> int:
        """The number of the last entry that is older than an instant; 0 when there is none."""
        with self._database.read() as connection:
            return int(connection.scalar(select(func.max(audit.c.sequence)).where(audit.c.time < before)) or 0)

    def first(self) -> int:
        """The number of the oldest entry that is there; one more than the length of the log when none is."""
        with self._database.read() as connection:
            lowest = connection.scalar(select(func.min(audit.c.sequence)))
            return counters.value(connection, "audit") + 1 if lowest is None else int(lowest)

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

    def verify(
        self, *, heads: Collection[tuple[int, str]] | None = None, last: int | None = None
    ) -> list[AuditProblem]:
        """Every place where the log was tampered with; an empty list means that it was not.

        Args:
            heads: published lengths and hashes that the log must still contain; all that there are, or None where it
                was not looked for them.
            last: look at so many entries at the end only; all by default.
        """
        problems: list[AuditProblem] = []
        told = dict(heads or ())
        with self._database.read() as connection:
            length = max(counters.value(connection, "audit"), *told, 0)
            cut, sealed = self._cut(connection)
            if heads is not None and cut and told.get(cut, sealed) != sealed:
                problems.append(
                    AuditProblem(cut, "was the last that was given up, and differs from the published head")
                )
            elif heads is not None and cut and cut not in told:
                problems.append(AuditProblem(cut, "is said to be the last that was given up, and no head confirms it"))
            first = cut + 1 if last is None else max(cut + 1, length - last + 1)
            before = select(audit.c.hash).where(audit.c.sequence == first - 1)
            previous = sealed if first == cut + 1 else connection.execute(before).scalar_one_or_none() or _GENESIS
            expected = first
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

    @staticmethod
    def _cut(connection: Connection) -> tuple[int, str]:
        """Up to which entry the log was given up, and that one's hash."""
        last = select(audit.c.detail).where(audit.c.action == CUT).order_by(audit.c.sequence.desc()).limit(1)
        told = connection.execute(last).scalar_one_or_none()
        if told is None:
            return 0, _GENESIS
        with suppress(ValueError, KeyError, TypeError):  # one that was altered is found as such
            said = json.loads(told)
            return int(said["through"]), str(said["hash"])
        return 0, _GENESIS


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


def _hash(connection: Connection, sequence: int) -> str | None:
    found = _HASH.first(connection, {"which": sequence})
    return None if found is None else str(found[0])


def _seal(entry: Mapping[str, object]) -> str:
    time = entry["time"]
    assert isinstance(time, datetime)
    canonical = json.dumps({**entry, "time": to_us(time)}, sort_keys=True)
    return hashlib.blake2b(canonical.encode(), digest_size=32).hexdigest()
