"""Conditions: what holds for a while becomes an episode, which begins once and ends once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from stackcanvas.backends.database import Database
from stackcanvas.monitoring.tables import monitor_condition

OK, PENDING, FIRING, CALMING = "ok", "pending", "firing", "calming"
BEGAN, ENDED = "began", "ended"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition at an endpoint.

    Attributes:
        state: ok; pending: it holds, but not long enough; firing; calming: it is over, but not long enough.
        since: when the state was entered.
        episode: the id of the episode, from its first moment (pending) to its last (calming).
        about: the model version that it is about, where it is about one.
        value: the last value seen.
    """

    endpoint: str
    name: str
    state: str
    since: datetime
    episode: str | None = None
    about: str | None = None
    value: float | None = None

    @property
    def firing(self) -> bool:
        """Whether an episode has begun and not ended."""
        return self.state in {FIRING, CALMING}


def step(
    condition: Condition, *, holds: bool, now: datetime, lasting: timedelta, calm: timedelta, episode: str
) -> tuple[Condition, str | None]:
    """The condition after a look, and what happened: `began`, `ended` or nothing.

    An episode begins when the condition held at each look for `lasting`, and ends when it held at none for `calm`.
    Looks that lie between neither begin nor end one, so a value that swings about its bound makes one episode.

    Args:
        condition: before the look.
        holds: what the look says.
        now: when it was.
        lasting: how long it must hold.
        calm: how long it must be over.
        episode: an id for an episode that may start.

    Example:
        >>> from datetime import UTC
        >>> start, hour = datetime(2013, 5, 1, tzinfo=UTC), timedelta(hours=1)
        >>> seen = Condition("delay", "drift", OK, start)
        >>> for look, holds in enumerate([True, True, False, True, False, False]):
        ...     now = start + look * hour
        ...     seen, happened = step(seen, holds=holds, now=now, lasting=hour, calm=hour, episode="e1")
        ...     print(seen.state, happened)
        pending None
        firing began
        calming None
        firing None
        calming None
        ok ended
    """
    state = condition.state
    if holds:
        if state == OK:
            condition = replace(condition, state=PENDING, since=now, episode=episode)
        elif state == CALMING:
            condition = replace(condition, state=FIRING, since=now)
        if condition.state == PENDING and now - condition.since >= lasting:
            return replace(condition, state=FIRING, since=now), BEGAN
        return condition, None
    if state == PENDING:
        return replace(condition, state=OK, since=now, episode=None), None
    if state == FIRING:
        condition = replace(condition, state=CALMING, since=now)
    if condition.state == CALMING and now - condition.since >= calm:
        return replace(condition, state=OK, since=now, episode=None), ENDED
    return condition, None


class Conditions:
    """The conditions of all endpoints, as they were at the last look."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, connection: Connection, endpoint: str, name: str, *, now: datetime) -> Condition:
        """A condition; one that was never looked at is ok."""
        here = (monitor_condition.c.endpoint == endpoint) & (monitor_condition.c.name == name)
        row = connection.execute(select(monitor_condition).where(here)).one_or_none()
        if row is None:
            return Condition(endpoint, name, OK, now)
        return Condition(row.endpoint, row.name, row.state, row.since, row.episode, row.about, row.value)

    def ls(self, endpoint: str) -> list[Condition]:
        """Every condition of an endpoint, by name."""
        chosen = select(monitor_condition).where(monitor_condition.c.endpoint == endpoint)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(monitor_condition.c.name)).all()
        return [
            Condition(row.endpoint, row.name, row.state, row.since, row.episode, row.about, row.value) for row in rows
        ]

    def put(self, tx: Connection, condition: Condition, *, now: datetime) -> None:
        """Write a condition."""
        keys = {"endpoint": condition.endpoint, "name": condition.name}
        values = {
            "state": condition.state,
            "since": condition.since,
            "episode": condition.episode,
            "about": condition.about,
            "value": condition.value,
            "updated": now,
        }
        new = self._database.insert(monitor_condition).values(**keys, **values)
        tx.execute(
            new.on_conflict_do_update(
                index_elements=[monitor_condition.c.endpoint, monitor_condition.c.name], set_=values
            )
        )
