"""The book of one run: what each step did, gathered and written in one transaction at a time.

Every write first makes sure that this process still executes the run; one that was thought dead and taken over finds
out here and writes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.sqlite import Insert

from stackcanvas.backends.database import Database
from stackcanvas.errors import Conflict
from stackcanvas.metadata import Recording, Ref, Spine
from stackcanvas.pipelines.frames import storable
from stackcanvas.pipelines.run import CACHED, FINISHED, RUNNING, RunRecords
from stackcanvas.pipelines.tables import pipeline_cache, pipeline_step
from stackcanvas.pipelines.values import Stored, Values

_FACTS = ("node", "position", "step", "state", "attempt", "key", "execution", "started", "ended")


class Lost(Conflict):
    """Another process executes the run now."""


@dataclass(slots=True)
class Entry:
    """One step of the run in work.

    Args:
        node: its place in the graph.
        position: where it stands in lists.
        key: its cache key.
        cached: whether its value may be taken from an earlier run.
    """

    node: str
    step: str
    position: int
    key: str | None = None
    cached: bool = True
    state: str = ""
    attempt: int = 0
    value: Stored | None = None
    execution: str | None = None
    recording: Recording | None = None
    started: datetime | None = None
    ended: datetime | None = None
    error: str | None = None
    frames: str | None = None
    log: str | None = None
    kept: list[Stored] = field(default_factory=list)

    def row(self, run_id: str) -> dict[str, object]:
        """As the table of steps holds it."""
        value = None if self.value is None else self.value.digest
        facts = {name: getattr(self, name) for name in _FACTS}
        told = {"error": self.error, "frames": self.frames, "log": self.log}
        texts = {name: None if text is None else storable(text, end=name != "error") for name, text in told.items()}
        return {"run": run_id, "value": value, **facts, **texts}


@dataclass(frozen=True, slots=True)
class _End:
    """How an attempt ended; the entry itself may be in its next attempt when this is written."""

    recording: Recording | None
    state: str
    error: str | None
    kept: tuple[Stored, ...]
    cached: dict[str, object] | None


class Ledger:
    """Writes what happens to the steps of a run.

    Args:
        holder: under which name this process executes the run.
    """

    def __init__(
        self, spine: Spine, *, records: RunRecords, values: Values, run: Recording, subject: Ref, holder: str
    ) -> None:
        self.run = run
        self._spine = spine
        self._records = records
        self._values = values
        self._subject = subject
        self._holder = holder
        self._changed: dict[str, Entry] = {}
        self._starting: list[tuple[Entry, list[tuple[Ref, str]]]] = []
        self._ending: list[_End] = []
        self._kept: list[Stored] = []
        self._step_statement = _upsert(spine.database, pipeline_step)
        self._cache_statement = _upsert(spine.database, pipeline_cache)

    def start(self, entry: Entry, used: Iterable[tuple[Ref, str]]) -> None:
        """A step starts, or starts again."""
        entry.state = RUNNING
        entry.attempt += 1
        entry.execution = self._spine.ids.new()
        entry.started, entry.ended = self._spine.clock.now(), None
        entry.error = entry.frames = entry.log = None
        self._starting.append((entry, list(used)))
        self._changed[entry.node] = entry

    def settle(self, entry: Entry, state: str) -> None:
        """A step ends without having run in this run: cached, skipped or blocked."""
        entry.state = state
        if state == CACHED and entry.execution is not None:
            self.run.used(Ref("execution", entry.execution), entry.node)
        self._changed[entry.node] = entry

    def end(self, entry: Entry, state: str) -> None:
        """A step that started has ended."""
        entry.state = state
        entry.ended = self._spine.clock.now()
        cached: dict[str, object] | None = None
        if state == FINISHED and entry.cached and entry.value is not None:
            known = {"key": entry.key, "step": entry.step, "value": entry.value.digest, "execution": entry.execution}
            cached = {**known, "created": entry.ended}
        self._values.expect(entry.kept)
        self._ending.append(_End(entry.recording, state, entry.error, tuple(entry.kept), cached))
        self._changed[entry.node] = entry

    def keep(self, kept: Iterable[Stored]) -> None:
        """Values that no step of their own made: the list of a mapped step, the outcome of a choice."""
        known = list(kept)
        self._values.expect(known)
        self._kept += known

    def flush(self) -> None:
        """Write what waits, together.

        Raises:
            Lost: another process executes the run now.
        """
        if not self._changed and not self._kept:
            return
        # A finished run is written durably at its end, and the log of the database with it: until then surviving the
        # kill of any process is enough.
        with self._spine.database.write(durable=False) as tx:
            if not self._records.renew(tx, self.run.id, self._holder):
                raise Lost(f"the run {self.run.id} is executed by another process now")
            for entry, used in self._starting:
                entry.recording = self._recording(tx, entry, used)
            for end in self._ending:
                if end.recording is not None:
                    end.recording.finish(tx, state="done" if end.state == FINISHED else "failed", error=end.error)
            self._values.record(tx, [*self._kept, *(stored for end in self._ending for stored in end.kept)])
            rows = [end.cached for end in self._ending if end.cached is not None]
            if rows:
                tx.execute(self._cache_statement, rows)
            self._write_rows(tx)
        self._changed, self._starting, self._ending, self._kept = {}, [], [], []

    def _recording(self, tx: Connection, entry: Entry, used: list[tuple[Ref, str]]) -> Recording:
        recording = self._spine.executions.start(
            tx,
            str(entry.execution),
            "pipelines.step",
            code=self.run.code,
            subject=self._subject,
            parameters={"step": entry.node, "attempt": entry.attempt},
            trigger=self.run.trigger,
            parent=self.run.id,
        )
        for ref, role in used:
            recording.used(ref, role)
        recording.made(recording.ref, "result")
        return recording

    def _write_rows(self, tx: Connection) -> None:
        tx.execute(self._step_statement, [entry.row(self.run.id) for entry in self._changed.values()])


def _upsert(database: Database, table: Table) -> Insert:
    """A statement that writes whole rows; made once, since putting it together takes longer than executing it."""
    new = database.insert(table)
    fresh = {column.name: new.excluded[column.name] for column in table.c if not column.primary_key}
    return new.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=fresh)
