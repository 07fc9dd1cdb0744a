"""Rows in a prediction log, as the prediction server writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from stackcanvas.clock import to_us
from stackcanvas.serving.server.documents import InputSpec, LogSpec, OutputSpec, SignatureSpec
from stackcanvas.serving.server.log import PredictionLog
from stackcanvas.serving.server.logplan import Entry, LogPlan
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.signature import Signature


class LogWriter:
    """Writes segments under `predictions`, as one life of the prediction server does."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lives = 0
        self._rows = 0

    def write(
        self,
        times: Sequence[datetime],
        *,
        endpoint: str = "delay",
        columns: Sequence[str] = ("wind",),
        statuses: Sequence[str] | None = None,
        variant: str = "v1",
        entities: Sequence[dict[str, Any]] | None = None,
    ) -> list[str]:
        """One sealed segment with a row for each instant; the ids of the rows."""
        inputs = [InputSpec(name, "FP32") for name in columns]
        signature = Signature(SignatureSpec(inputs, [OutputSpec("probability", "FP32")]), where="test")
        ids = [f"{self._rows + at:032x}" for at in range(len(times))]
        self._rows += len(ids)
        self._lives += 1
        log = PredictionLog(self._root / "segments", process=f"{self._lives:032x}", metrics=Metrics(), flush_s=3600)
        values = np.arange(len(times) * len(columns), dtype=np.float32).reshape(len(times), len(columns))
        log.offer(
            Entry(
                plan=LogPlan(endpoint, signature, LogSpec()),
                variant=variant,
                model=f"model:delay@{variant.lstrip('v')}",
                ids=ids,
                counts=[1] * len(ids),
                request_ids=[None] * len(ids),
                times_us=[to_us(time) for time in times],
                latencies_us=list(range(100, 100 + len(ids))),
                entities=[[one] for one in entities or [{"flight": f"AA{at}"} for at in range(len(ids))]],
                rows=[values],
                outputs=[values[:, 0] / 10],
                statuses=list(statuses) if statuses else "ok",
                reasons=None,
            )
        )
        log.start()
        log.stop()
        return ids

    def unseal(self) -> None:
        """Make orphans of all sealed segments."""
        for path in (self._root / "segments").glob("*.sealed.arrow"):
            path.rename(path.with_name(path.name.replace(".sealed", "")))
