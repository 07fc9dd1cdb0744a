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
    """Keep the hold on a run for a block of code; every write of a step renews it as well."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(LEASE_S / 3):
            # A database that cannot be written now may be free in time; the next write of a step tells otherwise.
            with suppress(StackCanvasError), spine.database.write(durable=False) as tx:
                if not records.renew(tx, run_id, holder):
                    return

    thread = threading.Thread(target=renew, name="stackcanvas-hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
