"""The scheduler: reads the time and the events, and queues the runs that they cause.

Each event and each slot of a schedule causes one run of a trigger, whoever asks and however often: runs, marks and the
position in the events are one commit, and a run carries what caused it under a unique index. A trigger begins with what
happens after it was first seen; what happened before does not fire it.

Clocks may be set. Slots that a clock jumps over are one run, as after a night in which nothing ran, and an event says
which were missed. A clock that is set back begins there again: a slot that has run is not run twice, one that has not
comes when it is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from stackcanvas.metadata import Event, Ref, Spine
from stackcanvas.pipelines.run import RunRecords
from stackcanvas.pipelines.tables import pipeline_trigger
from stackcanvas.pipelines.triggers import Trigger

READER = "scheduler"
_MOST_EVENTS = 1000


class Scheduler:
    """Queues runs for triggers.

    Args:
        records: where runs are queued.
        triggers: gives the triggers that stand in the canvas now.
    """

    def __init__(self, spine: Spine, records: RunRecords, *, triggers: Callable[[], Sequence[Trigger]]) -> None:
        self._spine = spine
        self._records = records
        self._triggers = triggers

    def tick(self, now: datetime) -> list[str]:
        """Queue what is due; gives the ids of the new runs.

        Args:
            now: the time it is, simulated or not.
        """
        triggers = {trigger.id: trigger for trigger in self._triggers()}
        if not self._has_work(triggers, now):
            return []
        with self._spine.write() as tx:
            marks = self._marks(tx, triggers, now)
            queued = self._fire_events(tx, triggers, marks)
            for trigger_id, trigger in triggers.items():
                seen = marks[trigger_id][1]
                slot = trigger.slot(seen, now)
                if slot is not None:
                    queued += self._add(tx, trigger, f"{slot.isoformat()}", f"cron {slot.isoformat()}")
                    self._tell_missed(tx, trigger, seen, slot)
                if slot is not None or _is_behind(trigger, seen, now):
                    self._move(tx, trigger_id, now)
        return queued

    def _has_work(self, triggers: Mapping[str, Trigger], now: datetime) -> bool:
        """Whether anything would be written; most ticks find nothing, and only read."""
        with self._spine.read() as connection:
            marks = _read_marks(connection)
        if any(trigger_id not in marks for trigger_id in triggers):
            return True
        if self._spine.events.head() > self._spine.events.cursor(READER):
            return True
        seen = {trigger_id: marks[trigger_id][1] for trigger_id in triggers}
        return any(
            trigger.slot(seen[trigger_id], now) or _is_behind(trigger, seen[trigger_id], now)
            for trigger_id, trigger in triggers.items()
        )

    def _marks(self, tx: Connection, triggers: Mapping[str, Trigger], now: datetime) -> dict[str, tuple[int, datetime]]:
        """Where each trigger stands; one that is new begins here."""
        marks = _read_marks(tx)
        head = self._spine.events.head()
        for trigger_id, trigger in triggers.items():
            if trigger_id not in marks:
                said = {"cron": trigger.cron, "on": trigger.on, "timezone": trigger.timezone}
                said["parameters"] = dict(trigger.parameters)  # type: ignore[assignment]
                tx.execute(
                    pipeline_trigger.insert().values(
                        id=trigger_id, pipeline=trigger.pipeline, definition=said, sequence=head, seen=now
                    )
                )
                marks[trigger_id] = head, now
        return marks

    def _fire_events(
        self, tx: Connection, triggers: Mapping[str, Trigger], marks: Mapping[str, tuple[int, datetime]]
    ) -> list[str]:
        # Nobody else moves the cursor or appends an event while this transaction has the right to write.
        events = self._spine.events.after(self._spine.events.cursor(READER), limit=_MOST_EVENTS)
        queued: list[str] = []
        for event in events:
            for trigger_id, trigger in triggers.items():
                if event.sequence > marks[trigger_id][0] and trigger.matches(event):
                    queued += self._add(tx, trigger, str(event.sequence), _described(event))
        if events:
            self._spine.events.advance(tx, READER, events[-1].sequence)
        return queued

    def _add(self, tx: Connection, trigger: Trigger, cause: str, described: str) -> list[str]:
        run_id = self._records.add(
            tx,
            trigger.pipeline,
            parameters=trigger.parameters,
            trigger=described,
            queued=True,
            cause=f"{trigger.id}/{cause}",
            concurrency=trigger.concurrency,
        )
        return [] if run_id is None else [run_id]

    def _tell_missed(self, tx: Connection, trigger: Trigger, seen: datetime, slot: datetime) -> None:
        """Say which slots between what was seen and the one that runs have caused no run."""
        between = [one.isoformat() for one in trigger.between(seen, slot)]
        ran = self._records.caused(tx, [f"{trigger.id}/{one}" for one in between])
        missed = [one for one in between if f"{trigger.id}/{one}" not in ran]
        if missed:
            told = {"schedule": trigger.described, "slots": len(missed), "first": missed[0], "last": missed[-1]}
            self._spine.events.emit(tx, "slots.missed", Ref("pipeline", trigger.pipeline), told)

    def _move(self, tx: Connection, trigger_id: str, now: datetime) -> None:
        tx.execute(pipeline_trigger.update().where(pipeline_trigger.c.id == trigger_id).values(seen=now))


def _read_marks(connection: Connection) -> dict[str, tuple[int, datetime]]:
    rows = connection.execute(select(pipeline_trigger.c.id, pipeline_trigger.c.sequence, pipeline_trigger.c.seen))
    return {row.id: (row.sequence, row.seen) for row in rows}


def _is_behind(trigger: Trigger, seen: datetime, now: datetime) -> bool:
    """Whether the clock was set back behind what has been seen."""
    return trigger.cron is not None and now < seen


def _described(event: Event) -> str:
    return f"{event.name} {event.subject}"
