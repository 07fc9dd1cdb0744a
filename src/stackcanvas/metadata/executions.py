"""Executions: every piece of work of every block is a record, and says what it used and made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from stackcanvas.backends.database import Database, Ready
from stackcanvas.clock import Clock
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.metadata import processes
from stackcanvas.metadata.actors import Actor, CodeState
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.tables import execution, link

RUNNING, DONE, FAILED, CANCELLED, LOST = "running", "done", "failed", "cancelled", "lost"
_LONGEST_ERROR = 10_000

_PLAIN = (
    *("id", "kind", "state", "trigger", "actor", "verified", "started", "ended", "parameters", "process", "parent"),
    "error",
)
_STARTED = (
    *("id", "kind", "state", "subject", "trigger", "actor", "verified", "started"),
    *("code_commit", "dirty", "parameters", "process", "parent"),
)
_END = Ready(
    update(execution)
    .where(execution.c.id == bindparam("which"), execution.c.state == RUNNING)
    .values(state=bindparam("now"), ended=bindparam("at"), error=bindparam("said")),
    ("which", "now", "at", "said"),
)


@dataclass(frozen=True, slots=True)
class Execution:
    """A piece of work as recorded.

    Args:
        kind: `block.verb`.
        state: running, done, failed, cancelled, or lost when its process died.
        trigger: `manual`, a cron slot or the event that started it.
        verified: whether the actor was made sure of.
        process: host, process id and start of the process.
        error: the sentence of the error, where it failed.
    """

    id: str
    kind: str
    state: str
    subject: Ref | None
    trigger: str
    actor: str
    verified: bool
    started: datetime
    ended: datetime | None
    code: CodeState
    parameters: dict[str, object]
    process: str
    parent: str | None
    error: str | None

    @property
    def ref(self) -> Ref:
        """The ref of the execution itself."""
        return Ref("execution", self.id)

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, None while it runs."""
        return None if self.ended is None else (self.ended - self.started).total_seconds()


class Recording:
    """A live execution: gathers what it uses and makes, and is finished once."""

    def __init__(self, executions: Executions, execution_id: str, *, trigger: str, code: CodeState) -> None:
        self.id = execution_id
        self.trigger = trigger
        self.code = code
        self.finished = False
        self._executions = executions
        self._links: list[tuple[str, str, str, datetime]] = []

    @property
    def ref(self) -> Ref:
        """The ref of the execution."""
        return Ref("execution", self.id)

    def used(self, ref: Ref, role: str = "") -> None:
        """It read this."""
        self._links.append(("used", str(ref), role, self._executions.clock.now()))

    def made(self, ref: Ref, role: str = "") -> None:
        """It produced this."""
        self._links.append(("made", str(ref), role, self._executions.clock.now()))

    def finish(self, tx: Connection, *, state: str = DONE, error: str | None = None) -> None:
        """Write the end and the links inside the caller's transaction, so that all of it is one commit.

        Raises:
            Conflict: it was finished before.
        """
        if self.finished:
            raise Conflict(f"the execution {self.id} is finished already")
        # What failed work said it made does not exist; what it read is worth knowing.
        links = [found for found in self._links if state == DONE or found[0] == "used"]
        self._executions.end(tx, self.id, links, state=state, error=error)
        self.finished = True


class Executions:
    """Starts, ends and finds executions."""

    def __init__(self, database: Database, *, clock: Clock, actor: Callable[[], Actor]) -> None:
        self.clock = clock
        self._database = database
        self._actor = actor
        # Made once: putting a statement together takes longer than executing it, and every piece of work has these.
        new = database.insert(execution)
        again = {"state": RUNNING, "ended": None, "error": None, "process": new.excluded.process}
        self._start = Ready(new.on_conflict_do_update(index_elements=[execution.c.id], set_=again), _STARTED)
        self._link = Ready(database.insert(link).on_conflict_do_nothing(), tuple(link.c.keys()))

    def start(
        self,
        tx: Connection,
        execution_id: str,
        kind: str,
        *,
        code: CodeState,
        subject: Ref | None = None,
        parameters: Mapping[str, object] | None = None,
        trigger: str = "manual",
        parent: str | None = None,
        process: str | None = None,
    ) -> Recording:
        """Write the start inside the caller's transaction; an execution that is resumed runs again.

        Args:
            process: where it is at work, as `processes.mark` tells it; here unless given.
        """
        facts = {
            "id": execution_id,
            "kind": kind,
            "state": RUNNING,
            "subject": None if subject is None else str(subject),
            "trigger": trigger,
            "actor": self._actor().name,
            "verified": self._actor().verified,
            "started": self.clock.now(),
            "code_commit": code.commit,
            "dirty": code.dirty,
            "parameters": dict(parameters or {}),
            "process": process or processes.own(),
            "parent": parent,
        }
        self._start.run(tx, [facts])
        return Recording(self, execution_id, trigger=trigger, code=code)

    def end(
        self,
        tx: Connection,
        execution_id: str,
        links: list[tuple[str, str, str, datetime]],
        *,
        state: str,
        error: str | None,
    ) -> None:
        """Write state, end and links inside the caller's transaction; what has ended already stays as it is."""
        said = None if error is None else _storable(error)
        if _END.run(tx, [{"which": execution_id, "now": state, "at": self.clock.now(), "said": said}]) and links:
            rows = [
                {"execution": execution_id, "direction": direction, "ref": ref, "role": role, "time": time}
                for direction, ref, role, time in links
            ]
            self._link.run(tx, rows)

    def take(self, tx: Connection, works: Sequence[Execution]) -> None:
        """Write pieces of work that happened elsewhere as they were; of those that are here the state changes."""
        new = self._database.insert(execution)
        changed = {name: new.excluded[name] for name in ("state", "ended")}
        statement = new.on_conflict_do_update(index_elements=[execution.c.id], set_=changed)
        rows = [
            {
                **{name: getattr(work, name) for name in _PLAIN},
                "subject": None if work.subject is None else str(work.subject),
                "code_commit": work.code.commit,
                "dirty": work.code.dirty,
            }
            for work in works
        ]
        if rows:
            tx.execute(statement, rows)

    def link(self, tx: Connection, execution_id: str, direction: str, ref: Ref, role: str = "") -> bool:
        """Add what an execution used or made after its end; whether there is such an execution."""
        if tx.execute(select(execution.c.id).where(execution.c.id == execution_id)).first() is None:
            return False
        facts = {"execution": execution_id, "direction": direction, "ref": str(ref), "role": role}
        self._link.run(tx, [{**facts, "time": self.clock.now()}])
        return True

    def get(self, execution_id: str) -> Execution:
        """One execution.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.read() as connection:
            row = connection.execute(select(execution).where(execution.c.id == execution_id)).mappings().one_or_none()
        if row is None:
            raise NotFound("execution", execution_id)
        return _execution(dict(row))

    def known(self, execution_id: str) -> bool:
        """Whether there is an execution of that id."""
        with self._database.read() as connection:
            return connection.execute(select(execution.c.id).where(execution.c.id == execution_id)).first() is not None

    def search(
        self,
        *,
        kind: str | None = None,
        state: str | None = None,
        subject: Ref | None = None,
        parent: str | None = None,
        limit: int = 100,
    ) -> list[Execution]:
        """Executions, newest first."""
        chosen = select(execution).order_by(execution.c.started.desc(), execution.c.id.desc()).limit(limit)
        wanted = {"kind": kind, "state": state, "parent": parent, "subject": str(subject) if subject else None}
        for name, value in wanted.items():
            if value is not None:
                chosen = chosen.where(execution.c[name] == value)
        with self._database.read() as connection:
            return [_execution(dict(row)) for row in connection.execute(chosen).mappings()]

    def counts(self) -> dict[str, int]:
        """How many executions there are of each kind."""
        chosen = select(execution.c.kind, func.count()).group_by(execution.c.kind).order_by(execution.c.kind)
        with self._database.read() as connection:
            return {kind: int(count) for kind, count in connection.execute(chosen)}

    def reap(self) -> list[str]:
        """Mark as lost what still runs on paper though its process on this host is gone; returns the ids."""
        with self._database.read() as connection:
            chosen = select(execution.c.id, execution.c.process).where(execution.c.state == RUNNING)
            running = connection.execute(chosen).all()
        gone = [row.id for row in running if processes.is_gone(row.process)]
        if gone:
            lost = update(execution).where(execution.c.id.in_(gone), execution.c.state == RUNNING)
            with self._database.write() as tx:
                tx.execute(lost.values(state=LOST, ended=self.clock.now(), error="its process died"))
        return gone


def _storable(said: str) -> str:
    """An error's text as a database can hold it: libraries put any byte and any length into theirs."""
    text = said.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}..."


def _execution(row: dict[str, object]) -> Execution:
    commit, dirty, subject = row.pop("code_commit"), row.pop("dirty"), row.pop("subject")
    return Execution(
        **row,  # type: ignore[arg-type]
        code=CodeState(commit, bool(dirty)),  # type: ignore[arg-type]
        subject=None if subject is None else Ref.parse(str(subject)),
    )
