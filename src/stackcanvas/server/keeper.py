"""The leases of a worker: taken when there is work, renewed while it lasts, and noticed when they are lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stackcanvas.metadata import Lease
from stackcanvas.metadata.leases import LeaseLost, Leases
from stackcanvas.server.said import Said

_log = logging.getLogger("stackcanvas.worker")
TTL_S = 15.0


class Keeper:
    """Holds the leases of one worker and renews them while work goes on, however long it takes.

    Args:
        leases: of the database, so that several workers share the work.
        holder: who this worker is; the same after a restart, which then need not wait.
        ttl_s: how long a lease outlives a worker that is gone.
        said: what this worker has complained of.
        now_s: seconds of a clock that only goes forward, also while this process is paused.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        holder: str,
        ttl_s: float = TTL_S,
        said: Said | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._leases = leases
        self._holder = holder
        self._ttl_s = ttl_s
        self._said = said or Said(_log)
        self._now_s = now_s
        self._lock = threading.Lock()
        self._held: dict[str, tuple[Lease, float]] = {}

    @contextmanager
    def turn(self, name: str) -> Iterator[bool]:
        """Whether this worker has a lease, or can have it now; inside, nothing is written once it is lost.

        Raises:
            LeaseLost: at a write, when this process was paused and another has taken over meanwhile.
        """
        lease = self._hold(name)
        if lease is None:
            yield False
            return
        try:
            with self._leases.fenced(lease):
                yield True
        except LeaseLost:
            with self._lock:
                self._held.pop(name, None)
            raise

    def holds(self, name: str) -> bool:
        """Whether this worker has a lease, or can have it now."""
        return self._hold(name) is not None

    def _hold(self, name: str) -> Lease | None:
        with self._lock:
            if name in self._held and self._now_s() - self._held[name][1] > self._ttl_s:
                self._renew(name)  # whoever was paused for so long must ask first
            if name not in self._held:
                taken = self._leases.acquire(name, self._holder, ttl_s=self._ttl_s)
                if taken is None:
                    return None
                self._held[name] = taken, self._now_s()
            return self._held[name][0]

    def renew(self) -> None:
        """Prolong every lease that is held; one that was lost meanwhile is held no more."""
        with self._lock:
            for name in list(self._held):
                self._renew(name)

    def _renew(self, name: str) -> None:
        renewed = self._leases.renew(self._held[name][0], ttl_s=self._ttl_s)
        if renewed is None:
            _log.warning("the lease on %s was lost to another worker", name)
            del self._held[name]
        else:
            self._held[name] = renewed, self._now_s()

    def run(self, stop: threading.Event) -> None:
        """Renew until told to stop, then give everything back."""
        while not stop.wait(self._ttl_s / 3):
            try:
                self.renew()
            except Exception as error:  # noqa: BLE001 - the database may be away; without it nobody else works either
                self._said.wrong("leases", error)
            else:
                self._said.right("leases")
        try:
            self.release()
        except Exception as error:  # noqa: BLE001 - they run out by themselves
            self._said.wrong("leases", error)

    def release(self) -> None:
        """Give every lease back at once."""
        with self._lock:
            for lease, _ in self._held.values():
                self._leases.release(lease)
            self._held.clear()
