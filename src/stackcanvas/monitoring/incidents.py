"""Incidents: when something was wrong at an endpoint, from when to when, and what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Event, Ref, Spine
from stackcanvas.monitoring.tables import monitor_incident

ROLLBACK, RETRAINING, FIX = "rollback", "retraining", "fix"
_READER = "monitoring.incidents"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something was wrong.

    Attributes:
        endpoint: where.
        reason: what was wrong, as a sentence.
        cause: the state of the deployment in which it began.
        opened: when.
        opened_by: `alert:NAME`, `rollback`, or a person.
        closed: when it was over, None while it is not.
        closed_by: rollback, retraining or fix.
        note: what ended it, as a sentence.
    """

    id: str
    endpoint: str
    reason: str
    cause: Ref | None
    opened: datetime
    opened_by: str
    closed: datetime | None
    closed_by: str | None
    note: str | None

    @property
    def duration_s(self) -> float | None:
        """Seconds until it was over, None while it is not."""
        return None if self.closed is None else (self.closed - self.opened).total_seconds()


class Incidents:
    """Opens, closes and lists incidents."""

    def __init__(self, spine: Spine) -> None:
        self._spine = spine

    def open(self, endpoint: str, reason: str) -> Incident:
        """Open one by hand."""
        if not reason.strip():
            raise BadInput("the incident has no reason", expected="what is wrong, as a sentence")
        with self._spine.write() as tx:
            opened = self.begin(tx, endpoint, reason, opened_by=self._spine.actor.name)
        return self.get(opened)

    def close(self, incident_id: str, *, by: str = FIX, note: str = "") -> Incident:
        """Close one by hand.

        Args:
            by: rollback, retraining or fix.
            note: what was done.

        Raises:
            NotFound: there is none of that id.
            Conflict: it is closed already.
        """
        if by not in {ROLLBACK, RETRAINING, FIX}:
            raise BadInput(f"an incident is not closed by {by!r}", expected=f"{ROLLBACK}, {RETRAINING} or {FIX}")
        if self.get(incident_id).closed is not None:
            raise Conflict(f"the incident {incident_id} is closed already")
        with self._spine.write() as tx:
            self.end(tx, incident_id, by=by, note=note or f"closed by {self._spine.actor.name}")
        return self.get(incident_id)

    def get(self, incident_id: str) -> Incident:
        """One incident.

        Raises:
            NotFound: there is none of that id.
        """
        with self._spine.read() as connection:
            row = connection.execute(select(monitor_incident).where(monitor_incident.c.id == incident_id)).one_or_none()
        if row is None:
            raise NotFound("incident", incident_id)
        return _incident(row)

    def ls(self, endpoint: str | None = None, *, open_only: bool = False, limit: int = 100) -> list[Incident]:
        """Incidents, the newest first."""
        incident = monitor_incident.c
        chosen = select(monitor_incident).order_by(incident.opened.desc(), incident.id.desc()).limit(limit)
        if endpoint is not None:
            chosen = chosen.where(incident.endpoint == endpoint)
        if open_only:
            chosen = chosen.where(incident.closed.is_(None))
        with self._spine.read() as connection:
            return [_incident(row) for row in connection.execute(chosen)]

    def begin(
        self,
        tx: Connection,
        endpoint: str,
        reason: str,
        *,
        opened_by: str,
        changes_ago: int = 0,
        incident_id: str | None = None,
    ) -> str:
        """Open one inside the caller's transaction; gives its id.

        Args:
            reason: what is wrong, as a sentence.
            opened_by: `alert:NAME`, `rollback`, or a person.
            changes_ago: how many changes of the deployment ago it began.
            incident_id: an id to use.
        """
        opened = incident_id or self._spine.ids.new()
        changes = self._spine.artifacts.search(kind="deployment", name=endpoint, limit=changes_ago + 1)
        cause = str(changes[changes_ago].ref) if len(changes) > changes_ago else None
        facts = {"reason": reason, "opened_by": opened_by, "cause": cause}
        now = self._spine.clock.now()
        tx.execute(monitor_incident.insert().values(id=opened, endpoint=endpoint, opened=now, **facts))
        self._spine.events.emit(tx, "incident.opened", Ref("deployment", endpoint), {"incident": opened, **facts})
        return opened

    def end(self, tx: Connection, incident_id: str, *, by: str, note: str) -> None:
        """Close one inside the caller's transaction, if it is open."""
        incident = monitor_incident.c
        here = (incident.id == incident_id) & incident.closed.is_(None)
        values = {"closed": self._spine.clock.now(), "closed_by": by, "note": note}
        row = tx.execute(update(monitor_incident).where(here).values(values).returning(incident.endpoint)).one_or_none()
        if row is not None:
            facts = {"incident": incident_id, "closed_by": by, "note": note}
            self._spine.events.emit(tx, "incident.closed", Ref("deployment", row.endpoint), facts)

    def follow(self) -> None:
        """Read what happened to deployments: a roll back is an incident, a new live version ends the open ones."""
        while True:
            events = self._spine.events.after(self._spine.events.cursor(_READER), names=("deployment.changed",))
            if not events:
                return
            for event in events:
                with self._spine.write() as tx:
                    # Whoever writes is alone: another worker that has followed this event is seen here.
                    if self._spine.events.cursor(_READER) < event.sequence:
                        self._follow(tx, event)
                        self._spine.events.advance(tx, _READER, event.sequence)

    def _follow(self, tx: Connection, event: Event) -> None:
        endpoint, state = event.subject.name, event.payload.get("state")
        incident = monitor_incident.c
        waiting = select(incident.id).where(incident.endpoint == endpoint, incident.closed.is_(None))
        opened = list(tx.execute(waiting).scalars())
        if state == "rolled_back":
            said = f"{event.payload.get('model')} was taken back: {event.payload.get('reason')}"
            if not opened:
                opened = [self.begin(tx, endpoint, said, opened_by=ROLLBACK, changes_ago=1)]
            for one in opened:
                self.end(tx, one, by=ROLLBACK, note=said)
        elif state == "live":
            for one in opened:
                self.end(tx, one, by=RETRAINING, note=f"{event.payload.get('live')} went live")


def _incident(row: object) -> Incident:
    facts = {name: getattr(row, name) for name in Incident.__dataclass_fields__}
    cause = facts["cause"]
    return Incident(**{**facts, "cause": None if cause is None else Ref.parse(cause)})
