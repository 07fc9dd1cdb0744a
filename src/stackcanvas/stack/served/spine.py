"""The spine of a served stack: its records are read by asking, and what runs write is gathered and sent as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from stackcanvas.clock import Clock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, CodeState, Recording, Ref, current, within
from stackcanvas.stack.served.changes import MOST, Change
from stackcanvas.stack.served.link import Link
from stackcanvas.stack.served.parts import Part


class Batch:
    """What takes the place of a transaction: changes on their way to the server."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def add(self, run_id: str, what: str, **facts: Any) -> None:
        """Take in one change."""
        self.changes.append(Change(run_id, what, facts))


class ServedExecutions(Part):
    """Executions of the server, and the ends of those that this process carries out."""

    def __init__(self, link: Link, clock: Clock) -> None:
        super().__init__(link, "spine.executions")
        self.clock = clock

    def end(
        self,
        tx: Batch,
        execution_id: str,
        links: list[tuple[str, str, str, datetime]],
        *,
        state: str,
        error: str | None,
    ) -> None:
        """Take the end of an execution into the batch."""
        used = [(ref, role) for direction, ref, role, _ in links if direction == "used"]
        made = [ref for direction, ref, _, _ in links if direction == "made"]
        tx.add(execution_id, "end", state=state, error=error, used=used, made=made)


class ServedSpine:
    """Records, lineage, events and audit log of the server.

    Args:
        link: to the server.
        clock: what time it is here.
        actor: who asks, as the server sees it.
        code: tells which code is at work here.
    """

    def __init__(self, link: Link, *, clock: Clock, actor: Actor, code: Callable[[], CodeState]) -> None:
        self._link = link
        self.clock = clock
        self.ids = Ids(clock.now)
        self.actor = actor
        self.code = code
        self.executions = ServedExecutions(link, clock)
        self.artifacts = Part(link, "spine.artifacts")
        self.lineage = Part(link, "spine.lineage")
        self.events = Part(link, "spine.events")
        self.audit = Part(link, "spine.audit")
        self.heartbeats = Part(link, "spine.heartbeats")
        self.database = self

    @contextmanager
    def read(self) -> Iterator[None]:
        """Nothing: each answer of the server is one consistent state."""
        yield None

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Batch]:
        """Gather changes; they are sent at the end, and written there as a whole."""
        del durable  # the server knows
        batch = Batch()
        yield batch
        for piece in _pieces(batch.changes):
            self._link.call("served", "write", piece)

    @contextmanager
    def record(
        self,
        kind: str,
        *,
        subject: Ref | None = None,
        parameters: Mapping[str, object] | None = None,
        **_: object,
    ) -> Iterator[Recording]:
        """A piece of work that the server records when its result is entered there."""
        del kind, subject, parameters
        around = current()
        code = around.code if around else self.code()
        made: Any = self.executions
        recording = Recording(made, self.ids.new(), trigger="manual", code=code)
        with within(recording):
            yield recording

    def close(self) -> None:
        """Close the connections."""
        self._link.close()


def _pieces(changes: list[Change]) -> Iterator[list[Change]]:
    """The changes in pieces of so many values of metrics; all that is no metric comes together, and last."""
    piece: list[Change] = []
    count = 0
    for change in changes:
        rows = change.facts.get("rows", ())
        for start in range(0, len(rows), MOST):
            part = rows[start : start + MOST]
            if count + len(part) > MOST:
                yield piece
                piece, count = [], 0
            piece.append(Change(change.run, change.what, {"rows": part}))
            count += len(part)
    rest = [change for change in changes if change.what != "points"]
    if piece or rest:
        yield piece + rest
