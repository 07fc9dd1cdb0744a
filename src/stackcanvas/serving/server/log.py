"""The prediction log never holds a request up: the event loop appends to a list, a thread of its own writes.

What a killed process loses is what was answered since the last flush, at most `flush_s`. Rows that cannot be taken
(the list is full, the disk is full) are dropped and counted, so that answered = logged + sampled out + dropped.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stackcanvas.serving.server.arrow import flags
from stackcanvas.serving.server.logplan import Entry, LogPlan
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.segments import Segment
from stackcanvas.serving.server.talk import say

_BATCH_ROWS = 8192


@dataclass(slots=True)
class _Open:
    segment: Segment
    since_s: float


class PredictionLog:
    """Takes answered rows and writes them to segments in a folder.

    Args:
        folder: made when missing.
        process: an id that no other process has had; begins the names of its segments.
        metrics: counts what is written and dropped.
        flush_s: how often it writes; a row waits at most about as long.
        most_rows: rows that may wait; more are dropped.
        seal_bytes: a segment is sealed when it has so many bytes.
        seal_s: or when it is so old.
        rng: draws the rows that a sampled log keeps.
    """

    def __init__(
        self,
        folder: Path,
        *,
        process: str,
        metrics: Metrics,
        flush_s: float = 0.1,
        most_rows: int = 200_000,
        seal_bytes: int = 32 << 20,
        seal_s: float = 60.0,
        rng: random.Random | None = None,
    ) -> None:
        self._folder = folder
        self._process = process
        self._metrics = metrics
        self._flush_s = flush_s
        self._most_rows = most_rows
        self._seal_bytes = seal_bytes
        self._seal_s = seal_s
        self._rng = rng or random.Random()  # noqa: S311 - a sample of rows, not a secret
        self._lock = threading.Lock()
        self._waiting: list[Entry] = []
        self._waiting_rows = 0
        self._segments: dict[tuple[str, str], _Open] = {}
        self._number = 0
        self._fault = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def offer(self, entry: Entry) -> None:
        """Take rows, or drop and count them; never waits."""
        count = len(entry.ids)
        with self._lock:
            taken = self._waiting_rows + count <= self._most_rows
            if taken:
                self._waiting.append(entry)
                self._waiting_rows += count
        if not taken:
            self._metrics.log_dropped.add((entry.plan.endpoint,), count)

    def stop(self) -> None:
        """Write what waits, seal every segment and end."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        stopped = False
        while not stopped:
            stopped = self._stop.wait(self._flush_s)
            self._flush()
            self._seal_old(everything=stopped)

    def _flush(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._waiting_rows = 0
        for entries in _packs(waiting):
            plan = entries[0].plan
            count = sum(len(entry.ids) for entry in entries)
            try:
                kept = self._write(plan, entries)
            except (OSError, pa.ArrowException, ValueError, TypeError) as error:
                self._metrics.log_errors.add()
                self._metrics.log_dropped.add((plan.endpoint,), count)
                self._complain(plan.endpoint, str(error))
            else:
                self._complain(plan.endpoint, "")
                self._metrics.log_rows.add((plan.endpoint,), kept)
                if kept < count:
                    self._metrics.log_sampled.add((plan.endpoint,), count - kept)

    def _complain(self, endpoint: str, fault: str) -> None:
        """Say what keeps rows out of the log once, and when it is over: how many they are, the metrics count."""
        if fault == self._fault:
            return
        if fault:
            say(f"rows of {endpoint!r} are not in the prediction log: {fault}")
        else:
            say("the prediction log is written again")
        self._fault = fault

    def _write(self, plan: LogPlan, entries: list[Entry]) -> int:
        batch = plan.batch(entries)
        if plan.sample < 1:
            drawn = np.array([self._rng.random() for _ in range(batch.num_rows)]) < plan.sample
            batch = batch.filter(flags(drawn))
        if batch.num_rows:
            opened = self._segments.get(plan.key)
            if opened is None:
                opened = self._segments[plan.key] = _Open(self._new(plan.schema), time.monotonic())
            opened.segment.write(batch)
        return int(batch.num_rows)

    def _new(self, schema: pa.Schema) -> Segment:
        self._number += 1
        return Segment(self._folder, f"{self._process}-{self._number:06d}", schema)

    def _seal_old(self, *, everything: bool) -> None:
        now_s = time.monotonic()
        for key, opened in list(self._segments.items()):
            if everything or opened.segment.size_bytes >= self._seal_bytes or now_s - opened.since_s >= self._seal_s:
                del self._segments[key]
                try:
                    opened.segment.seal()
                except OSError as error:
                    say(f"{opened.segment.path} stays unsealed: {error}")


def _packs(entries: list[Entry]) -> list[list[Entry]]:
    """The entries by log plan, in order, in packs that keep one batch small."""
    packs: list[list[Entry]] = []
    last: dict[tuple[str, str], tuple[list[Entry], int]] = {}
    for entry in entries:
        pack, rows = last.get(entry.plan.key, ([], 0))
        if not pack or rows >= _BATCH_ROWS:
            pack, rows = [], 0
            packs.append(pack)
        pack.append(entry)
        last[entry.plan.key] = (pack, rows + len(entry.ids))
    return packs
