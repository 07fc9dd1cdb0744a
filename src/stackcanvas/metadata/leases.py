"""Leases: one holder at a time, for a while, told apart by a fence that only grows.

No clock of another machine is believed, and a clock that is set does no harm: a lease is free when it has not been
renewed for its time while somebody who wants it watched. So whoever looks for the first time waits that long, and
nobody takes a lease from a holder who lives, whatever the time is said to be.

A holder may be paused and not know that it has lost its lease: inside `fenced`, each write asks first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import ColumnElement, Connection, delete, select, update

from stackcanvas.backends.database import Database, checked
from stackcanvas.clock import Clock, from_us
from stackcanvas.errors import Conflict
from stackcanvas.metadata.tables import lease

_GIVEN_BACK = from_us(0)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one piece of work until `expires`."""

    name: str
    holder: str
    fence: int
    expires: datetime


class LeaseLost(Conflict):
    """Another holder has taken the lease under which something was to be written."""


class Watch:
    """Tells for how long things have been as they are, as far as this process has seen.

    Args:
        clock: how time goes by; what it shows does not matter.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._seen: dict[str, tuple[object, datetime]] = {}

    def unchanged_s(self, name: str, state: object) -> float:
        """For how many seconds a thing has been seen in the state that it has now; 0 at the first look."""
        now = self._clock.now()
        with self._lock:
            before, since = self._seen.get(name, (None, now))
            if before != state:
                self._seen[name] = (state, now)
                return 0.0
        return (now - since).total_seconds()


class Leases:
    """Gives, renews and takes back leases.

    Args:
        clock: how time goes by, also where everything else runs on simulated time.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._watch = Watch(clock)

    def acquire(self, name: str, holder: str, *, ttl_s: float) -> Lease | None:
        """The lease, or None while another holder has it; a holder may take its own again."""
        with self._database.read() as connection:
            if not self._is_free(connection, name, holder, ttl_s):
                return None
        new = self._database.insert(lease).values(name=name, holder=holder, fence=1, expires=self._after(ttl_s))
        taken = new.on_conflict_do_update(
            index_elements=[lease.c.name],
            set_={"holder": new.excluded.holder, "expires": new.excluded.expires, "fence": lease.c.fence + 1},
        ).returning(lease)
        with self._database.write() as tx:
            # Another one may have taken it between the look and now.
            if not self._is_free(tx, name, holder, ttl_s):
                return None
            return Lease(**tx.execute(taken).mappings().one())

    def renew(self, held: Lease, *, ttl_s: float) -> Lease | None:
        """The lease with a later end, or None when it was lost meanwhile."""
        renewed = update(lease).where(_is(held)).values(expires=self._after(ttl_s)).returning(lease)
        with self._database.write() as tx:
            found = tx.execute(renewed).mappings().one_or_none()
        return Lease(**found) if found else None

    def release(self, held: Lease) -> None:
        """Give it back at once; one that was lost meanwhile stays with its new holder."""
        # The row stays, so that the fence goes on growing.
        with self._database.write() as tx:
            tx.execute(update(lease).where(_is(held)).values(expires=_GIVEN_BACK))

    def release_all(self, holder: str) -> None:
        """Give everything back that a holder left behind who has surely ended."""
        with self._database.write() as tx:
            tx.execute(update(lease).where(lease.c.holder == holder).values(expires=_GIVEN_BACK))

    @contextmanager
    def fenced(self, held: Lease) -> Iterator[None]:
        """Refuse every write in a block of code once the lease is another's; asked in the write's own transaction.

        Raises:
            LeaseLost: at the first write after it was lost.
        """

        def check(connection: Connection) -> None:
            if connection.execute(select(lease.c.fence).where(_is(held))).first() is None:
                raise LeaseLost(f"the lease on {held.name} was lost to another meanwhile, and nothing was written")

        with checked(self._database, check):
            yield

    @contextmanager
    def hold(self, name: str, holder: str, *, ttl_s: float) -> Iterator[Lease | None]:
        """Hold a lease for a block of code; None when another has it."""
        held = self.acquire(name, holder, ttl_s=ttl_s)
        try:
            yield held
        finally:
            if held is not None:
                self.release(held)

    def holders(self) -> list[Lease]:
        """Every lease that has not been given back and, going by the clock of its holder, has not run out."""
        with self._database.read() as connection:
            chosen = select(lease).where(lease.c.expires > self._clock.now()).order_by(lease.c.name)
            return [Lease(**row) for row in connection.execute(chosen).mappings()]

    def forget(self, name: str) -> None:
        """Drop a lease for good, with its fence; for names that never come again."""
        with self._database.write() as tx:
            tx.execute(delete(lease).where(lease.c.name == name))

    def _is_free(self, connection: Connection, name: str, holder: str, ttl_s: float) -> bool:
        found = connection.execute(select(lease).where(lease.c.name == name)).one_or_none()
        if found is None or found.holder == holder or found.expires == _GIVEN_BACK:
            return True
        return self._watch.unchanged_s(name, (found.fence, found.expires)) >= ttl_s

    def _after(self, ttl_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=ttl_s)


def _is(held: Lease) -> ColumnElement[bool]:
    return (lease.c.name == held.name) & (lease.c.holder == held.holder) & (lease.c.fence == held.fence)
