"""Ten thousand runs come in, and a second import is short."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from stackcanvas.stack import Stack

RUNS = 10_000


def grow(database: Path) -> None:
    """Add runs with five parameters, three metrics of ten points and a file each."""
    home = database.parent
    ids = [f"{number:032x}" for number in range(1, RUNS + 1)]
    for run_id in ids:
        folder = home / "artifacts" / "churn" / run_id / "artifacts"
        folder.mkdir(parents=True)
        (folder / "model.txt").write_bytes(run_id.encode() * 64)
    begun = 1_795_478_761_423
    with sqlite3.connect(database) as there:
        there.executemany(
            "INSERT INTO runs (run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri,"
            " experiment_id) VALUES (?, ?, 'root', 'FINISHED', ?, ?, 'active', ?, 1)",
            [
                (one, f"run {at}", begun + at, begun + at + 500, f"{home}/artifacts/churn/{one}/artifacts")
                for at, one in enumerate(ids)
            ],
        )
        there.executemany(
            "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
            [(f"p{key}", str(at * key), one) for at, one in enumerate(ids) for key in range(5)],
        )
        points = [
            (f"m{key}", at + step / 10, begun + step, one, step)
            for at, one in enumerate(ids)
            for key in range(3)
            for step in range(10)
        ]
        insert = "INSERT INTO {} (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)"
        there.executemany(insert.format("metrics"), points)
        there.executemany(insert.format("latest_metrics"), [point for point in points if point[4] == 9])


@pytest.mark.soak
def test_ten_thousand_runs(stack: Stack, mlflow_db: Path) -> None:
    """With 300,000 points and 10,000 files."""
    grow(mlflow_db)

    done = stack.imports.mlflow(str(mlflow_db))

    assert (done.new, stack.experiments.count("churn")) == (RUNS + 16, RUNS + 3)
    (last,) = stack.experiments.search("churn", order_by="metrics.m1 desc", limit=1)
    assert last.name == f"run {RUNS - 1}"
    assert len(stack.experiments.metrics(last.id, "m2")) == 10
    assert stack.experiments.files.get(last.id, "model.txt") == last.id.encode() * 64
    again = stack.imports.mlflow(str(mlflow_db))
    assert (again.new, again.changed) == (0, 0)
