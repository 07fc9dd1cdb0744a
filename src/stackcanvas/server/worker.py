"""The worker: does the stack's recurring work, each kind in a thread of its own and by lease."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from stackcanvas.cli.faults import to_exit_code
from stackcanvas.clock import Clock
from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Lease
from stackcanvas.metadata.leases import Leases
from stackcanvas.server.child import leave_with_parent, log_to_stderr, on_stop, only_one, wait_for
from stackcanvas.stack import Stack, find_root, open  # noqa: A004 - the verb of the package
from stackcanvas.stack.root import FOLDER
from stackcanvas.stack.running import announce, withdraw

_log = logging.getLogger("stackcanvas.worker")
_TTL_S = 15.0
_LONGEST_PAUSE_S = 30.0
# Work on what lies on this machine: its queue of processes, its files, its records. Every worker does its own.
_OF_THIS_MACHINE = frozenset({"runs", "predictions", "executions", "pushed"})


class Keeper:
    """Holds the leases of one worker and renews them while work goes on, however long it takes.

    Args:
        leases: of the database, so that several workers share the work.
        holder: who this worker is; the same after a restart, which then need not wait.
        ttl_s: how long a lease outlives a worker that is gone.
    """

    def __init__(self, leases: Leases, *, holder: str, ttl_s: float = _TTL_S) -> None:
        self._leases = leases
        self._holder = holder
        self._ttl_s = ttl_s
        self._lock = threading.Lock()
        self._held: dict[str, Lease] = {}

    def holds(self, name: str) -> bool:
        """Whether this worker has a lease, or can have it now."""
        with self._lock:
            if name not in self._held:
                taken = self._leases.acquire(name, self._holder, ttl_s=self._ttl_s)
                if taken is None:
                    return False
                self._held[name] = taken
            return True

    def renew(self) -> None:
        """Prolong every lease that is held; one that was lost meanwhile is held no more."""
        with self._lock:
            for name, lease in list(self._held.items()):
                renewed = self._leases.renew(lease, ttl_s=self._ttl_s)
                if renewed is None:
                    _log.warning("the lease on %s was lost to another worker", name)
                    del self._held[name]
                else:
                    self._held[name] = renewed

    def run(self, stop: threading.Event) -> None:
        """Renew until told to stop, then give everything back."""
        while not stop.wait(self._ttl_s / 3):
            try:
                self.renew()
            except Exception as error:  # noqa: BLE001 - the database may be away; without it nobody else works either
                _log.error("leases cannot be renewed: %s", sentence_of(error))
        self.release()

    def release(self) -> None:
        """Give every lease back at once."""
        with self._lock:
            for lease in self._held.values():
                self._leases.release(lease)
            self._held.clear()


class Ticker:
    """Calls one tick again and again.

    Args:
        name: of the tick.
        tick: the work; takes the time it is.
        clock: what time it is for the work.
        may: whether it is this worker's turn.
        period_s: the pause after each tick; it doubles while the tick fails.
    """

    def __init__(
        self,
        name: str,
        tick: Callable[[datetime], object],
        *,
        clock: Clock,
        may: Callable[[], bool],
        period_s: float = 0.5,
    ) -> None:
        self.name = name
        self._tick = tick
        self._clock = clock
        self._may = may
        self._period_s = period_s
        self._failures = 0
        self._said: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop."""
        while not stop.is_set():
            stop.wait(self.once())

    def once(self) -> float:
        """Tick once if it is this worker's turn; gives the seconds to wait before the next time."""
        try:
            if not self._may():
                return self._period_s
            self._tick(self._clock.now())
        except Exception as error:  # noqa: BLE001 - one kind of work may not end the others
            self._failures += 1
            self._complain(error)
            return float(min(self._period_s * 2**self._failures, _LONGEST_PAUSE_S))
        if self._failures:
            _log.info("%s works again", self.name)
        self._failures, self._said = 0, None
        return self._period_s

    def _complain(self, error: Exception) -> None:
        sentence = sentence_of(error)
        if sentence == self._said:  # said once; a fault that lasts would fill the log
            return
        self._said = sentence
        expected = isinstance(error, StackCanvasError)
        _log.error("%s failed: %s", self.name, sentence, exc_info=None if expected else error)


def sentence_of(error: Exception) -> str:
    """What an error says, with its kind where it is not one of ours."""
    return error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"


def work(stack: Stack, stop: threading.Event, *, holder: str, patience_s: float = 10.0) -> bool:
    """Do all recurring work until told to stop.

    Args:
        holder: who this worker is, for the leases.
        patience_s: how long running ticks may take to end after the stop.

    Returns:
        Whether every tick had ended.
    """
    keeper = Keeper(stack.spine.leases, holder=holder)
    threads = [threading.Thread(target=keeper.run, args=(stop,), name="leases", daemon=True)]
    for name, tick in stack.ticks().items():
        may = _always if name in _OF_THIS_MACHINE else partial(keeper.holds, f"tick:{name}")
        ticker = Ticker(name, tick, clock=stack.spine.clock, may=may)
        threads.append(threading.Thread(target=ticker.run, args=(stop,), name=f"tick {name}", daemon=True))
    for thread in threads:
        thread.start()
    announce(stack.folder, "worker", started=stack.spine.clock.now())
    wait_for(stop)
    last = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def _always() -> bool:
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one project's recurring work: schedules, releases, monitors."""
    parser = argparse.ArgumentParser("stackcanvas.server.worker", description=main.__doc__)
    parser.add_argument("--project", type=Path, default=None, help="the project's folder")
    given = parser.parse_args(arguments)

    def run() -> int:
        leave_with_parent()
        log_to_stderr("worker")
        stop = threading.Event()
        on_stop(stop.set)
        root = find_root(given.project or Path.cwd())
        with only_one(root / FOLDER, "worker"), open(root) as stack:
            try:
                if not work(stack, stop, holder=f"worker of {root} on {socket.gethostname()}"):
                    _log.warning("stopped while work was going on; it is taken up again by the next worker")
            finally:
                withdraw(stack.folder, "worker")
        return 0

    return to_exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
