"""The log takes rows at once, writes them soon, and counts what it cannot take."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pytest

from stackcanvas.serving.server.documents import InputSpec, LogSpec, OutputSpec, SignatureSpec
from stackcanvas.serving.server.log import PredictionLog
from stackcanvas.serving.server.logplan import Entry, LogPlan
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.segments import read_batches
from stackcanvas.serving.server.signature import Signature

SIGNATURE = Signature(SignatureSpec([InputSpec("x", "FP32")], [OutputSpec("y", "FP32")]), where="test")


def entry(plan: LogPlan, count: int, first: int = 0) -> Entry:
    """One request of so many rows."""
    values = np.zeros((count, 1), dtype=np.float32)
    ids = [f"{first + at:032d}" for at in range(count)]
    return Entry(plan, "v1", "m", ids, [count], [None], [0], [0], [None], [values], [values[:, 0]], "ok")


def logged(folder: Path) -> list[str]:
    """Every id in the log."""
    return [
        str(one)
        for path in sorted(folder.glob("*.arrow"))
        for batch in read_batches(path)
        for one in batch.column("prediction_id").to_pylist()
    ]


def test_what_does_not_fit_the_queue_is_counted(tmp_path: Path) -> None:
    """Rows beyond the bound are dropped at once; nobody waits, and the counts add up."""
    metrics = Metrics()
    log = PredictionLog(tmp_path, process="p", metrics=metrics, most_rows=100, flush_s=3600)
    plan = LogPlan("delay", SIGNATURE, LogSpec())
    for at in range(30):
        log.offer(entry(plan, 7, at * 7))
    log.start()
    log.stop()

    kept = logged(tmp_path)
    assert kept == [f"{at:032d}" for at in range(98)]
    assert metrics.log_rows.total() == 98
    assert metrics.log_dropped.total() == 210 - 98


def test_a_full_disk_is_said_once_and_what_it_keeps_out_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Answered is logged and dropped together; with room again the log goes on in the same segment."""
    metrics = Metrics()
    log = PredictionLog(tmp_path, process="p", metrics=metrics, flush_s=0.01)
    plan = LogPlan("delay", SIGNATURE, LogSpec())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    log.start()

    def offer(first: int) -> None:
        counted = metrics.log_rows.total() + metrics.log_dropped.total()
        log.offer(entry(plan, 8000, first))
        last = time.monotonic() + 30
        while metrics.log_rows.total() + metrics.log_dropped.total() < counted + 8000:
            assert time.monotonic() < last
            time.sleep(0.005)

    # Files of this process can have so many bytes: room for the first rows alone.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, before[1]))
    try:
        for at in range(4):
            offer(at * 8000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    offer(32_000)
    log.stop()

    kept = logged(tmp_path)
    assert kept[:8000] == [f"{at:032d}" for at in range(8000)]
    assert kept[-8000:] == [f"{at:032d}" for at in range(32_000, 40_000)]
    assert len(kept) == metrics.log_rows.total() < 40_000
    assert len(kept) + metrics.log_dropped.total() == 40_000
    said = capsys.readouterr().err.splitlines()
    assert ["are not in the prediction log" in line for line in said] == [True, False]
    assert said[1].endswith("the prediction log is written again")


def test_segments_are_sealed_by_size_and_by_age(tmp_path: Path) -> None:
    """A segment that is large or old is sealed, and the next rows go to a new one."""
    metrics = Metrics()
    log = PredictionLog(tmp_path, process="p", metrics=metrics, flush_s=0.01, seal_s=0.0)
    plans = [LogPlan(name, SIGNATURE, LogSpec()) for name in ("a", "b")]
    log.start()
    for at in range(3):
        for plan in plans:
            log.offer(entry(plan, 5, at * 5))
        while metrics.log_rows.total() < (at + 1) * 10:
            pass
    log.stop()

    names = sorted(path.name for path in tmp_path.iterdir())
    assert all(name.endswith(".sealed.arrow") for name in names)
    assert len(names) >= 6
    assert len(logged(tmp_path)) == 30


def test_endpoints_and_models_have_segments_of_their_own(tmp_path: Path) -> None:
    """Rows of one schema stand in one file."""
    wide = Signature(
        SignatureSpec([InputSpec("x", "FP32"), InputSpec("z", "FP32")], [OutputSpec("y", "FP32")]), where="test"
    )
    log = PredictionLog(tmp_path, process="p", metrics=Metrics(), flush_s=3600)
    log.offer(entry(LogPlan("a", SIGNATURE, LogSpec()), 1))
    log.offer(entry(LogPlan("b", SIGNATURE, LogSpec()), 1))
    two = entry(LogPlan("a", wide, LogSpec()), 1)
    two.rows = [np.zeros((1, 2), dtype=np.float32)]
    log.offer(two)
    log.offer(entry(LogPlan("a", SIGNATURE, LogSpec()), 1, 7))
    log.start()
    log.stop()

    assert [len(list(read_batches(path))) for path in sorted(tmp_path.iterdir())] == [1, 1, 1]
    assert sorted(logged(tmp_path)) == [f"{at:032d}" for at in (0, 0, 0, 7)]
