"""The spine: what every block writes to and the only way in which blocks know of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar

from sqlalchemy import Connection

from stackcanvas.backends.database import Database
from stackcanvas.clock import Clock, SteadyClock, SystemClock
from stackcanvas.errors import StackCanvasError
from stackcanvas.ids import Ids
from stackcanvas.metadata.actors import Actor, CodeState, actor_or, code_or
from stackcanvas.metadata.artifacts import Artifacts
from stackcanvas.metadata.audit import Audit
from stackcanvas.metadata.events import Events
from stackcanvas.metadata.executions import CANCELLED, FAILED, Executions, Recording
from stackcanvas.metadata.heartbeats import Heartbeats
from stackcanvas.metadata.leases import Leases
from stackcanvas.metadata.lineage import Lineage
from stackcanvas.metadata.refs import Ref
from stackcanvas.metadata.taken import Taken

_current: ContextVar[Recording | None] = ContextVar("stackcanvas_execution", default=None)


def _no_code() -> CodeState:
    return CodeState()


class Spine:
    """Refs, executions, artifacts, lineage, events, audit log, leases and heartbeats over one database.

    Methods of the parts that change something take the open write connection first, so that a block's own
    rows, its artifact, its event and the end of its execution are one commit.

    Args:
        database: an open database whose tables exist.
        clock: what time it is for records.
        ids: makes the ids of records.
        actor: who is at work.
        code: tells which code is at work.
        wall: how time goes by, for leases and heartbeats; the machine's unless a test passes its own.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        ids: Ids,
        actor: Actor,
        code: Callable[[], CodeState] = _no_code,
        wall: Clock | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self._own = actor
        self._code = code
        self.executions = Executions(database, clock=clock, actor=self._who)
        self.artifacts = Artifacts(database, clock=clock)
        self.lineage = Lineage(database, self.executions)
        self.events = Events(database, clock=clock, actor=self._who)
        self.audit = Audit(database, clock=clock, actor=self._who)
        self.taken = Taken(database, clock=clock)
        self._wall = wall
        self.heartbeats = Heartbeats(database, clock=wall or SystemClock())
        self.leases = Leases(database, clock=wall or SteadyClock())

    def over(self, database: Database) -> Spine:
        """The same actor, clock and code over another database."""
        return Spine(database, clock=self.clock, ids=self.ids, actor=self._own, code=self._code, wall=self._wall)

    @property
    def actor(self) -> Actor:
        """Who is at work: whoever a server says has asked, else the process's own."""
        return actor_or(self._own)

    def code(self) -> CodeState:
        """Which code is at work: that of whoever asked a server, else the process's own."""
        return code_or(self._code)

    def become(self, actor: Actor) -> None:
        """Make somebody the actor of this process, who has shown a token."""
        self._own = actor

    def _who(self) -> Actor:
        return self.actor

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that sees one consistent state."""
        return self.database.read()

    def write(self) -> AbstractContextManager[Connection]:
        """A connection whose changes are committed together at the end, or not at all."""
        return self.database.write()

    @contextmanager
    def record(
        self,
        kind: str,
        *,
        subject: Ref | None = None,
        parameters: Mapping[str, object] | None = None,
        trigger: str | None = None,
        parent: str | None = None,
        id: str | None = None,  # noqa: A002 - the word every record uses
    ) -> Iterator[Recording]:
        """Record a piece of work: started now, finished when the block of code ends.

        An error inside is recorded with its sentence and goes on upward. Work recorded inside other work becomes
        its child and has its trigger.

        Args:
            kind: `block.verb`.
            subject: what it is about.
            parameters: what was asked.
            trigger: what started it; `manual` unless it is inside other work.
            parent: the id of the work that this is part of, where it is not the surrounding one.
            id: an id to use; one that exists is resumed.
        """
        around = _current.get()
        with self.write() as tx:
            recording = self.executions.start(
                tx,
                id or self.ids.new(),
                kind,
                # Asking for the state of the code takes milliseconds, and it is one for all parts of a piece of work.
                code=around.code if around else self.code(),
                subject=subject,
                parameters=parameters,
                trigger=trigger or (around.trigger if around else "manual"),
                parent=parent or (around.id if around else None),
            )
        try:
            with within(recording):
                yield recording
        except BaseException as error:
            self._abandon(recording, error)
            raise
        if not recording.finished:
            with self.write() as tx:
                recording.finish(tx)

    def _abandon(self, recording: Recording, error: BaseException) -> None:
        # A finish inside a transaction that failed is undone: the row says running still, and only then is it changed.
        recording.finished = False
        said = error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"
        state = FAILED if isinstance(error, Exception) else CANCELLED
        # The first error is the one to tell; a record that cannot be ended now is found by `Executions.reap`.
        with suppress(StackCanvasError), self.write() as tx:
            recording.finish(tx, state=state, error=said)


def current() -> Recording | None:
    """The execution that is being recorded in this context."""
    return _current.get()


@contextmanager
def within(recording: Recording) -> Iterator[Recording]:
    """Make work that is recorded in the block of code a part of this one, which somebody else ends."""
    token = _current.set(recording)
    try:
        yield recording
    finally:
        # A block may end in another context than it began in: cells of a notebook have one each.
        with suppress(ValueError):
            _current.reset(token)
