"""A project that keeps little, on files and on servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.postgres import postgres_server, postgres_url
from stackcanvas.testing.redis import redis_server, redis_url
from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["postgres_server", "postgres_url", "redis_server", "redis_url", "s3_server", "s3_url"]

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
CANVAS = """\
stackcanvas: 1
project: {{name: churn, currency: EUR}}
metadata:
  store: {{url: "{database}"}}
  governance:
    retention: {{runs: 30d, deleted: 5d, cache: 20d, data: 30d, audit: 30d}}
data:
  storage: {{objects: "{objects}"}}
features:
  databases: {{online: "{online}"}}
serving:
  log: {{keep: 7d}}
value:
  payoff:
    threshold: 50%
    outcomes: [{{predicted: true, actual: true, worth: 3}}]
"""
PIPELINE = """\
import numpy as np
import polars as pl

import stackcanvas as sc


@sc.step
def large(rows: pl.DataFrame, times: int) -> pl.DataFrame:
    noise = np.random.default_rng(times).random(rows.height * times)
    return pl.concat([rows] * times).with_columns(noise=noise)


@sc.step
def total(rows: pl.DataFrame) -> int:
    return int(rows["amount"].sum())


@sc.pipeline
def count(times: int = 50) -> int:
    return total(large(sc.dataset("orders"), times))
"""
Opened = Callable[[], Stack]


@pytest.fixture(params=["files", "servers"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project on files and a folder, or on PostgreSQL, S3 and Redis."""
    addresses = {
        "database": "sqlite:///.stackcanvas/metadata.db",
        "objects": ".stackcanvas/objects",
        "online": "sqlite:///.stackcanvas/online/online.db",
    }
    if request.param == "servers":
        names = {"database": "postgres_url", "objects": "s3_url", "online": "redis_url"}
        addresses = {what: request.getfixturevalue(name) for what, name in names.items()}
    root = tmp_path / "churn"
    root.mkdir()
    (root / "canvas.yaml").write_text(CANVAS.format(**addresses))
    (root / "pipelines.py").write_text(PIPELINE)
    return root


@pytest.fixture
def clock() -> ManualClock:
    """Stands still until a test moves it."""
    return ManualClock(START)


@pytest.fixture
def stack(root: Path, clock: ManualClock) -> Iterator[Stack]:
    """The project, open."""
    with open_stack(root, clock=clock) as opened:
        yield opened


def orders(first: int, rows: int = 100) -> pl.DataFrame:
    """Rows of customers, some of text."""
    return pl.DataFrame(
        {
            "customer": [f"customer-{first + row:04d}" for row in range(rows)],
            "amount": [first * 1000 + row for row in range(rows)],
        }
    )


def later(clock: ManualClock, *, days: float) -> None:
    """So many days pass."""
    clock.advance(seconds_s=days * 86_400)
