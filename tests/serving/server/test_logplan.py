"""Answered rows become batches of the log, typed, with what the policy leaves of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from stackcanvas.serving.server.documents import InputSpec, LogSpec, OutputSpec, SignatureSpec
from stackcanvas.serving.server.logplan import Entry, LogPlan
from stackcanvas.serving.server.signature import Signature

SIGNATURE = Signature(
    SignatureSpec(
        [
            InputSpec("wind", "FP32", nullable=True),
            InputSpec("carrier", "BYTES"),
            InputSpec("pixels", "FP16", shape=(-1, 2)),
        ],
        [OutputSpec("label", "INT64"), OutputSpec("probabilities", "FP32", (-1, 2))],
    ),
    where="test",
)


def entry(plan: LogPlan, **change: Any) -> Entry:
    """Two requests, of two rows and of one, answered together."""
    usual: dict[str, Any] = {
        "plan": plan,
        "variant": "v1",
        "model": "model:delay@1",
        "ids": ["a" * 32, "b" * 32, "c" * 32],
        "counts": [2, 1],
        "request_ids": ["mine", None],
        "times_us": [1_000_000, 2_000_000],
        "latencies_us": [10, 20],
        "entities": [[{"flight": "AA1"}, None], None],
        "rows": [
            np.array([[1.5], [np.nan], [3.0]], dtype=np.float32),
            np.array([["AA"], ["é"], ["UA"]], dtype=object),
            np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float16),
        ],
        "outputs": [np.array([1, 0, 1]), np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], dtype=np.float32)],
        "statuses": "ok",
    }
    return Entry(**(usual | change))


def frame(batch: pa.RecordBatch) -> pl.DataFrame:
    """The batch as a reader of the log sees it."""
    batch.validate(full=True)
    return pl.DataFrame(pl.from_arrow(batch))


def test_every_column_of_the_log() -> None:
    """What belongs to a request is repeated for its rows; missing numbers are null."""
    plan = LogPlan("delay", SIGNATURE, LogSpec())
    rows = frame(
        plan.batch([entry(plan), entry(plan, ids=["d" * 32, "e" * 32, "f" * 32], variant="v2", statuses="shadow")])
    ).rows(named=True)

    assert [row["prediction_id"][0] for row in rows] == ["a", "b", "c", "d", "e", "f"]
    assert [row["row"] for row in rows] == [0, 1, 0, 0, 1, 0]
    assert [row["request_id"] for row in rows[:3]] == ["mine", "mine", None]
    assert [row["time"].timestamp() for row in rows[:3]] == [1, 1, 2]
    assert [row["latency_us"] for row in rows[:3]] == [10, 10, 20]
    assert [row["entity"] for row in rows[:3]] == ['{"flight":"AA1"}', None, None]
    assert [row["variant"] for row in rows] == ["v1"] * 3 + ["v2"] * 3
    assert [row["status"] for row in rows] == ["ok"] * 3 + ["shadow"] * 3
    assert rows[1]["features"] == {"wind": None, "carrier": "é", "pixels": [3, 4]}
    assert rows[2]["output"]["label"] == 1
    assert rows[2]["output"]["probabilities"] == [np.float32(0.3), np.float32(0.7)]


def test_a_failed_row_has_no_output() -> None:
    """Rows without an answer are told from rows with one."""
    plan = LogPlan("delay", SIGNATURE, LogSpec())
    batch = frame(plan.batch([entry(plan, outputs=None, statuses="error", reasons=["it raised"] * 3), entry(plan)]))

    assert batch["output"].is_null().to_list() == [True] * 3 + [False] * 3
    assert batch["reason"].to_list() == ["it raised"] * 3 + [None] * 3


def test_columns_are_left_out_or_hashed() -> None:
    """The policy reaches features, outputs and what records carry beside them; equal values keep equal hashes."""
    policy = LogSpec(drop=["pixels", "probabilities"], hash=["carrier", "flight", "wind"])
    plan = LogPlan("delay", SIGNATURE, policy)
    first, second = (frame(plan.batch([entry(plan)])) for _ in range(2))

    assert first.equals(second)
    features = first["features"].struct.unnest()
    assert set(features.columns) == {"wind", "carrier"}
    assert features["wind"][1] is None
    assert features["carrier"].n_unique() == 3
    text = str(first.rows())
    assert not any(hidden in text for hidden in ("AA1", "'AA'", "1.5"))
    assert first["output"].struct.unnest().columns == ["label"]


def test_a_log_of_nothing_but_facts() -> None:
    """Every feature and output may be left out."""
    policy = LogSpec(drop=["wind", "carrier", "pixels", "label", "probabilities", "flight"])
    plan = LogPlan("delay", SIGNATURE, policy)
    batch = plan.batch([entry(plan)])

    batch.validate(full=True)
    assert batch.num_rows == 3
    assert batch.column("entity").null_count == 3
