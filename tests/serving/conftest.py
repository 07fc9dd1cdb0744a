"""A serving block over a fresh workspace, and rows in its log as the prediction server writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import to_us
from stackcanvas.metadata import Spine
from stackcanvas.registry import ModelVersion, Policy, Registry
from stackcanvas.serving import Policy as ServingPolicy
from stackcanvas.serving import Serving
from stackcanvas.serving.server.documents import InputSpec, LogSpec, OutputSpec, SignatureSpec
from stackcanvas.serving.server.log import PredictionLog
from stackcanvas.serving.server.logplan import Entry, LogPlan
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.signature import Signature
from stackcanvas.testing.onnx_models import delay_model


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
                entities=[[{"flight": f"AA{at}"}] for at in range(len(ids))],
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state of a project."""
    return tmp_path / "state"


@pytest.fixture
def predictions(folder: Path) -> Path:
    """Where the log lies."""
    return folder / "predictions"


@pytest.fixture
def log_writer(predictions: Path) -> LogWriter:
    """Writes rows into the log."""
    return LogWriter(predictions)


@pytest.fixture
def registry(spine: Spine, tmp_path: Path) -> Registry:
    """A registry that asks for nothing."""
    return Registry(spine, open_objects(f"file://{tmp_path}/objects"), lambda _: Policy())


@pytest.fixture
def register(registry: Registry) -> Callable[..., ModelVersion]:
    """Registers the delay model."""

    def add(name: str = "delay", *, shift: float = 0.0, **more: Any) -> ModelVersion:
        sample = pl.DataFrame(
            {
                "wind": [1.0, None, 30.0],
                "month": [0, 5, 11],
                "carrier": ["AA", "UA", "AA"],
                "night": [True, False, True],
            },
            schema_overrides={"wind": pl.Float32},
        )
        return registry.register(name, delay_model(shift), sample=sample, **more)

    return add


@pytest.fixture
def make_serving(spine: Spine, registry: Registry, folder: Path) -> Callable[..., Serving]:
    """Makes serving blocks with a policy."""

    def make(**policy: Any) -> Serving:
        return Serving(spine, registry, folder, policy=lambda _: ServingPolicy(**policy))

    return make


@pytest.fixture
def serving(make_serving: Callable[..., Serving]) -> Serving:
    """A serving block that asks for nothing."""
    return make_serving()
