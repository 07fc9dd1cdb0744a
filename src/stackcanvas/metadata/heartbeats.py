"""Heartbeats: each process of a stack says again and again that it lives, and everybody can see which one does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from stackcanvas.backends.database import Database
from stackcanvas.clock import Clock
from stackcanvas.metadata import processes
from stackcanvas.metadata.tables import heartbeat

EVERY_S = 5.0
_MISSED = 4
_FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a process said of itself last.

    Args:
        process: host, process id and start, as `processes.mark` tells it.
        kind: `control`, `predict`, `worker`, or `run` for one that executes a run of a pipeline.
        started: since when it runs.
        heard: when it said so last.
        overdue: whether it should have said so again by now, or has surely ended.
        facts: its address, what fails in it.
    """

    process: str
    kind: str
    started: datetime
    heard: datetime
    overdue: bool
    facts: Mapping[str, object]

    @property
    def host(self) -> str:
        """The machine that it runs on."""
        return self.process.rsplit("/", 2)[0]


class Heartbeats:
    """Writes and reads heartbeats.

    Args:
        clock: the time of this machine.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def beat(
        self,
        kind: str,
        *,
        started: datetime,
        facts: Mapping[str, object] | None = None,
        process: str | None = None,
        every_s: float = EVERY_S,
    ) -> None:
        """Say that a process lives.

        Args:
            started: since when.
            facts: what there is to know of it.
            process: its mark; that of this process unless given.
            every_s: how soon it will say so again.
        """
        mark = process or processes.own()
        told = {"beat": self._clock.now(), "every_s": every_s, "facts": dict(facts or {})}
        new = self._database.insert(heartbeat).values(process=mark, kind=kind, started=started, **told)
        again = new.on_conflict_do_update(index_elements=[heartbeat.c.process], set_=told)
        with self._database.write(durable=False) as tx:
            tx.execute(again)

    def tidy(self, kind: str) -> None:
        """Forget those of a kind that have surely ended on this machine, and all that nobody has heard of for a day."""
        gone = [one.process for one in self.ls() if one.kind == kind and processes.is_gone(one.process)]
        old = heartbeat.c.beat < self._clock.now() - _FORGOTTEN
        with self._database.write(durable=False) as tx:
            tx.execute(delete(heartbeat).where(heartbeat.c.process.in_(gone) | old))

    def end(self, process: str | None = None) -> None:
        """Say that a process ends as it should."""
        with self._database.write(durable=False) as tx:
            tx.execute(delete(heartbeat).where(heartbeat.c.process == (process or processes.own())))

    def ls(self) -> list[Heartbeat]:
        """All of them, by kind and start."""
        with self._database.read() as connection:
            rows = connection.execute(select(heartbeat).order_by(heartbeat.c.kind, heartbeat.c.started)).all()
        now = self._clock.now()
        return [
            Heartbeat(
                process=row.process,
                kind=row.kind,
                started=row.started,
                heard=row.beat,
                overdue=now - row.beat > timedelta(seconds=_MISSED * row.every_s) or processes.is_gone(row.process),
                facts=row.facts,
            )
            for row in rows
        ]
