"""The worker: does the stack's recurring work, each kind in a thread of its own and by lease."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from stackcanvas.cli.faults import to_exit_code
from stackcanvas.clock import Clock
from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Lease
from stackcanvas.metadata.leases import Leases
from stackcanvas.server.child import leave_with_parent, log_to_stderr, on_stop
from stackcanvas.stack import Stack, find_root, open  # noqa: A004 - the verb of the package
from stackcanvas.stack.running import announce, withdraw

_log = logging.getLogger("stackcanvas.worker")
_TTL_S = 30.0
_LONGEST_PAUSE_S = 30.0


class Ticker:
    """Calls one tick again and again while it holds the lease on it.

    Args:
        name: of the tick, which is also the lease's.
        tick: the work; takes the time it is.
        clock: what time it is for the work.
        leases: of the database, so that several workers share the work.
        holder: who this worker is.
        period_s: the pause after each tick; it doubles while the tick fails.
    """

    def __init__(
        self,
        name: str,
        tick: Callable[[datetime], object],
        *,
        clock: Clock,
        leases: Leases,
        holder: str,
        period_s: float = 0.5,
    ) -> None:
        self.name = name
        self._tick = tick
        self._clock = clock
        self._leases = leases
        self._holder = holder
        self._period_s = period_s
        self._failures = 0
        self._said: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Tick until told to stop; give the lease back."""
        while not stop.is_set():
            stop.wait(self.once())

    def once(self) -> float:
        """Tick once if nobody else does; gives the seconds to wait before the next time."""
        try:
            with self._leases.hold(f"tick:{self.name}", self._holder, ttl_s=_TTL_S) as lease:
                if lease is None:
                    return self._period_s
                with Renewal(self._leases, lease):
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
        sentence = error.sentence() if isinstance(error, StackCanvasError) else f"{type(error).__name__}: {error}"
        if sentence == self._said:  # said once; a fault that lasts would fill the log
            return
        self._said = sentence
        expected = isinstance(error, StackCanvasError)
        _log.error("%s failed: %s", self.name, sentence, exc_info=None if expected else error)


class Renewal:
    """Keeps a lease alive while long work goes on."""

    def __init__(self, leases: Leases, lease: Lease, *, ttl_s: float = _TTL_S) -> None:
        self._leases = leases
        self._lease = lease
        self._ttl_s = ttl_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"renew {lease.name}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._done.wait(self._ttl_s / 3):
            if self._leases.renew(self._lease, ttl_s=self._ttl_s) is None:
                _log.warning("the lease on %s was lost to another worker", self._lease.name)
                return


def work(stack: Stack, stop: threading.Event, *, holder: str, patience_s: float = 10.0) -> bool:
    """Do all recurring work until told to stop.

    Args:
        holder: who this worker is, for the leases.
        patience_s: how long running ticks may take to end after the stop.

    Returns:
        Whether every tick had ended.
    """
    tickers = [
        Ticker(name, tick, clock=stack.spine.clock, leases=stack.spine.leases, holder=holder)
        for name, tick in stack.ticks().items()
    ]
    threads = [
        threading.Thread(target=ticker.run, args=(stop,), name=f"tick {ticker.name}", daemon=True) for ticker in tickers
    ]
    for thread in threads:
        thread.start()
    announce(stack.folder, "worker", started=stack.spine.clock.now())
    stop.wait()
    last = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


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
        with open(find_root(given.project or Path.cwd())) as stack:
            try:
                if not work(stack, stop, holder=f"worker {stack.spine.ids.new()}"):
                    _log.warning("stopped while work was going on; it is taken up again by the next worker")
            finally:
                withdraw(stack.folder, "worker")
        return 0

    return to_exit_code(run)


if __name__ == "__main__":
    sys.exit(main())
