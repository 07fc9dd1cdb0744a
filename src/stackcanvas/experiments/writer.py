"""Metrics on their way to the database: gathered from all threads, written together by one in the background.

`log` must not wait for a disk, and a process that is killed must not take with it what it logged a moment ago. So what
is logged waits at most `FLUSH_S`, then it is committed with everything else that waits.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import util

from stackcanvas.backends.database import Database
from stackcanvas.experiments.metrics import Metrics, Point

FLUSH_S = 0.2
_MANY = 2_000
_MOST = 100_000
_IDLE_S = 5.0

_WRITERS: weakref.WeakSet[Writer] = weakref.WeakSet()


class Writer:
    """Writes the metrics of all live runs of a process.

    A thread of its own begins with the first metric and ends when nothing has come for a while. Where the database
    cannot be written, metrics wait on; `flush` tells the error.

    Args:
        database: where the metrics go.
        metrics: knows how.
    """

    _waiting: dict[str, tuple[int, list[Point]]]
    _thread: threading.Thread | None
    _ends_well: bool

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._reset()
        _WRITERS.add(self)

    def add(self, run_id: str, points: Sequence[Point], *, experiment: int) -> None:
        """Take metrics of a run; waits for the database only when very many wait already."""
        with self._lock:
            waiting = self._waiting.get(run_id)
            if waiting is None:
                waiting = self._waiting[run_id] = (experiment, [])
            waiting[1].extend(points)
            self._count += len(points)
            count = self._count
            if self._thread is None:
                self._begin()
        if count >= _MANY:
            if count >= _MOST:
                self.flush()
            else:
                self._many.set()
        elif not self._some.is_set():
            self._some.set()

    def flush(self) -> None:
        """Write what waits; what was taken before is committed when this returns.

        Raises:
            Unavailable: the database cannot be written now; the metrics wait on.
        """
        with self._writing:
            with self._lock:
                taken, self._waiting, self._count = self._waiting, {}, 0
            if not taken:
                return
            try:
                with self._database.write(durable=False) as tx:
                    for run_id, (experiment, points) in taken.items():
                        self._metrics.add(tx, run_id, points, experiment=experiment)
            except BaseException:
                for run_id, (experiment, points) in taken.items():
                    self._put_back(run_id, points, experiment=experiment)
                raise

    @contextmanager
    def taken(self, run_id: str, *, experiment: int) -> Iterator[list[Point]]:
        """What waits of one run, for a caller who writes it; where that fails it waits on."""
        with self._writing:
            with self._lock:
                _, points = self._waiting.pop(run_id, (experiment, []))
                self._count -= len(points)
            try:
                yield points
            except BaseException:
                self._put_back(run_id, points, experiment=experiment)
                raise

    def _put_back(self, run_id: str, points: list[Point], *, experiment: int) -> None:
        with self._lock:
            _, later = self._waiting.get(run_id, (experiment, []))
            self._waiting[run_id] = (experiment, points + later)
            self._count += len(points)

    def _begin(self) -> None:
        if not self._ends_well:
            # Forked children of `multiprocessing` end without `atexit`, but not without this.
            util.Finalize(self, _flush_quietly, args=(weakref.ref(self),), exitpriority=100)
            self._ends_well = True
        self._thread = threading.Thread(target=self._work, name="stackcanvas-metrics", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            if not self._some.wait(_IDLE_S):
                with self._lock:
                    if not self._waiting:
                        self._thread = None
                        return
            self._many.wait(FLUSH_S)
            self._some.clear()
            self._many.clear()
            try:
                self.flush()
            except Exception:  # noqa: BLE001 - they wait on; `flush` and `end` tell the caller
                self._some.set()

    def _reset(self) -> None:
        """As new: also in a forked child, where what waits belongs to the parent and the thread does not exist."""
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._some = threading.Event()
        self._many = threading.Event()
        self._waiting = {}
        self._count = 0
        self._ends_well = False
        self._thread = None


def _flush_quietly(found: weakref.ref[Writer]) -> None:
    writer = found()
    if writer is not None:
        # Nobody is left to hear of an error here.
        with suppress(Exception):
            writer.flush()


def _reset_all() -> None:
    for writer in list(_WRITERS):
        writer._reset()  # noqa: SLF001 - of the same module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
