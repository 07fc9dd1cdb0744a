"""The event table: what happened, in one order, read by each reader from where it left off."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from stackcanvas.backends.database import Database, Ready
from stackcanvas.clock import Clock
from stackcanvas.metadata import counters
from stackcanvas.metadata.actors import Actor
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.tables import event, event_cursor


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, named `block.happened`, with the ref that it happened to."""

    sequence: int
    name: str
    subject: Ref
    time: datetime
    payload: dict[str, object]
    actor: str


_ADD = Ready(
    event.insert(), tuple(event.c.keys())
)  # made once: putting a statement together takes longer than executing it


class Events:
    """Appends events and reads them; numbers have no gap that a reader could skip."""

    def __init__(self, database: Database, *, clock: Clock, actor: Callable[[], Actor]) -> None:
        self._database = database
        self._clock = clock
        self._actor = actor

    def emit(self, tx: Connection, name: str, subject: Ref, payload: Mapping[str, object] | None = None) -> int:
        """Append an event inside the caller's transaction; returns its number."""
        sequence = counters.take(self._database, tx, "event")
        facts = {
            "sequence": sequence,
            "name": name,
            "subject": str(subject),
            "time": self._clock.now(),
            "payload": dict(payload or {}),
            "actor": self._actor().name,
        }
        _ADD.run(tx, [facts])
        return sequence

    def after(
        self, sequence: int, *, names: Collection[str] = (), subject: Ref | None = None, limit: int = 1000
    ) -> list[Event]:
        """Events with a higher number, oldest first."""
        chosen = select(event).where(event.c.sequence > sequence).order_by(event.c.sequence).limit(limit)
        return self._read(chosen.where(*self._filters(names, subject)))

    def latest(self, *, names: Collection[str] = (), subject: Ref | None = None, limit: int = 20) -> list[Event]:
        """The last events, newest first."""
        chosen = select(event).order_by(event.c.sequence.desc()).limit(limit)
        return self._read(chosen.where(*self._filters(names, subject)))

    def head(self) -> int:
        """The number of the last event, 0 when there is none."""
        with self._database.read() as connection:
            return counters.value(connection, "event")

    def cursor(self, reader: str) -> int:
        """The number that a reader has reached, 0 at first."""
        with self._database.read() as connection:
            chosen = select(event_cursor.c.sequence).where(event_cursor.c.reader == reader)
            return int(connection.execute(chosen).scalar_one_or_none() or 0)

    def advance(self, tx: Connection, reader: str, sequence: int) -> None:
        """Move a reader's cursor forward, together with what the reader did about the events."""
        new = self._database.insert(event_cursor).values(reader=reader, sequence=sequence)
        tx.execute(
            new.on_conflict_do_update(
                index_elements=[event_cursor.c.reader],
                set_={"sequence": new.excluded.sequence},
                where=event_cursor.c.sequence < new.excluded.sequence,
            )
        )

    @staticmethod
    def _filters(names: Collection[str], subject: Ref | None) -> list[ColumnElement[bool]]:
        filters: list[ColumnElement[bool]] = []
        if names:
            filters.append(event.c.name.in_(sorted(names)))
        if subject is not None:
            filters.append(event.c.subject == str(subject))
        return filters

    def _read(self, chosen: Select[Any]) -> list[Event]:
        with self._database.read() as connection:
            rows = connection.execute(chosen).mappings().all()
        return [Event(**{**row, "subject": Ref.parse(row["subject"])}) for row in rows]
