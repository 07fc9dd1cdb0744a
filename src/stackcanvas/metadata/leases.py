"""Leases: one holder at a time, for a while, told apart by a fence that only grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from stackcanvas.backends.database import Database
from stackcanvas.clock import Clock
from stackcanvas.metadata.tables import lease


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do one piece of work until `expires`."""

    name: str
    holder: str
    fence: int
    expires: datetime


class Leases:
    """Gives, renews and takes back leases.

    Args:
        clock: wall time, also where everything else runs on simulated time.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def acquire(self, name: str, holder: str, *, ttl_s: float) -> Lease | None:
        """The lease, or None while another holder has it; a holder may take its own again."""
        now = self._clock.now()
        new = self._database.insert(lease).values(
            name=name, holder=holder, fence=1, expires=now + timedelta(seconds=ttl_s)
        )
        taken = new.on_conflict_do_update(
            index_elements=[lease.c.name],
            set_={"holder": new.excluded.holder, "expires": new.excluded.expires, "fence": lease.c.fence + 1},
            where=(lease.c.expires <= now) | (lease.c.holder == holder),
        ).returning(lease)
        with self._database.write() as tx:
            row = tx.execute(taken).mappings().one_or_none()
        return Lease(**row) if row else None

    def renew(self, held: Lease, *, ttl_s: float) -> Lease | None:
        """The lease with a later end, or None when it was lost meanwhile."""
        expires = self._clock.now() + timedelta(seconds=ttl_s)
        mine = (lease.c.name == held.name) & (lease.c.holder == held.holder) & (lease.c.fence == held.fence)
        with self._database.write() as tx:
            row = tx.execute(update(lease).where(mine).values(expires=expires).returning(lease)).mappings()
            found = row.one_or_none()
        return Lease(**found) if found else None

    def release(self, held: Lease) -> None:
        """Give it back at once; one that was lost meanwhile stays with its new holder."""
        mine = (lease.c.name == held.name) & (lease.c.holder == held.holder) & (lease.c.fence == held.fence)
        # The row stays, so that the fence goes on growing.
        with self._database.write() as tx:
            tx.execute(update(lease).where(mine).values(expires=self._clock.now()))

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
        """Every lease that has not expired."""
        with self._database.read() as connection:
            chosen = select(lease).where(lease.c.expires > self._clock.now()).order_by(lease.c.name)
            return [Lease(**row) for row in connection.execute(chosen).mappings()]

    def forget(self, name: str) -> None:
        """Drop a lease for good, with its fence; for names that never come again."""
        with self._database.write() as tx:
            tx.execute(delete(lease).where(lease.c.name == name))
