"""Holding a run while it is executed: a thread says again and again that this process lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from stackcanvas.errors import StackCanvasError
from stackcanvas.metadata import Spine
from stackcanvas.pipelines.run import LEASE_S, RunRecords


@contextmanager
def held(spine: Spine, records: RunRecords, *, run_id: str, holder: str) -> Iterator[None]:
    """Keep the hold on a run for a block of code; every write of a step renews it as well.

    A run that lasts longer than the time between two renewals has a heartbeat, too.
    """
    ended = threading.Event()
    started = spine.clock.now()

    def renew() -> None:
        beaten = False
        while not ended.wait(LEASE_S / 3):
            # A database that cannot be written now may be free in time; the next write of a step tells otherwise.
            with suppress(StackCanvasError):
                with spine.database.write(durable=False) as tx:
                    if not records.renew(tx, run_id, holder):
                        break
                spine.heartbeats.beat("run", started=started, facts={"run": run_id}, every_s=LEASE_S / 3)
                beaten = True
        if beaten:
            with suppress(StackCanvasError):  # what is left behind is known to have ended by its process
                spine.heartbeats.end()

    thread = threading.Thread(target=renew, name="stackcanvas-hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
