"""Messages on their way to people: written with what they tell of, sent afterwards, at least once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from stackcanvas.backends.database import Database
from stackcanvas.errors import BadInput, NotFound, StackCanvasError
from stackcanvas.monitoring.channels import send
from stackcanvas.monitoring.tables import monitor_delivery

QUEUED, SENT, FAILED = "queued", "sent", "failed"
_PAUSE = timedelta(minutes=1)
_MOST_TRIES = 8
_MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel.

    Attributes:
        alert: the id of the alert that it tells of.
        channel: its name.
        state: queued, sent or failed.
        tries: how often it was tried.
        error: why the last try failed.
    """

    alert: str
    channel: str
    state: str
    tries: int
    error: str | None


class Deliveries:
    """Queues messages and sends them.

    Args:
        database: where they wait.
        channels: address by name of a channel, secrets included.
    """

    def __init__(self, database: Database, channels: Mapping[str, str]) -> None:
        self._database = database
        self._channels = channels

    def queue(
        self, tx: Connection, alert: str, names: Sequence[str], message: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Queue a message for these channels, or for all when none is named, inside the caller's transaction."""
        for name in names or self._channels:
            new = self._database.insert(monitor_delivery).values(
                id=f"{message['id']}:{name}",
                alert=alert,
                channel=name,
                state=QUEUED,
                message=dict(message),
                tries=0,
                next_try=now,
            )
            tx.execute(new.on_conflict_do_nothing())

    def deliver(self, now: datetime) -> int:
        """Send what waits; gives how many were sent. A channel that fails is tried again, after longer and longer."""
        delivery = monitor_delivery.c
        free = (delivery.state == QUEUED) & (delivery.next_try <= now)
        with self._database.read() as connection:
            if connection.execute(select(delivery.id).where(free).limit(1)).first() is None:
                return 0
        with self._database.write() as tx:
            # Whoever is killed between here and the end sends again later: at least once, not at most once.
            waiting = self._database.claim(
                tx,
                monitor_delivery,
                where=free,
                order_by=[delivery.next_try, delivery.id],
                values={"next_try": now + _PAUSE},
                limit=_MOST_AT_ONCE,
            )
        sent = 0
        for row in waiting:
            values: dict[str, Any] = {"tries": row.tries + 1, "state": SENT, "error": None}
            try:
                self._send(row.channel, row.message)
                sent += 1
            except StackCanvasError as error:
                hopeless = isinstance(error, BadInput | NotFound) or row.tries + 1 >= _MOST_TRIES
                values |= {"state": FAILED if hopeless else QUEUED, "error": error.sentence()}
                values["next_try"] = now + _PAUSE * 2**row.tries
            with self._database.write() as tx:
                tx.execute(update(monitor_delivery).where(delivery.id == row.id).values(values))
        return sent

    def of(self, alert: str) -> list[Delivery]:
        """What became of the messages of an alert."""
        chosen = select(monitor_delivery).where(monitor_delivery.c.alert == alert).order_by(monitor_delivery.c.id)
        with self._database.read() as connection:
            rows = connection.execute(chosen).all()
        return [Delivery(row.alert, row.channel, row.state, row.tries, row.error) for row in rows]

    def _send(self, channel: str, message: Mapping[str, Any]) -> None:
        address = self._channels.get(channel)
        if address is None:
            raise NotFound("channel", channel, known=self._channels)
        send(address, message)
