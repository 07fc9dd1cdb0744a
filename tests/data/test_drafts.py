"""Drafts: contents brought into the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.data.drafts import Wish, draft
from stackcanvas.data.sources import gather

_STREAM = """
import resource, sys
from pathlib import Path
import numpy as np, pyarrow as pa
from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.data import Data, parquetfiles
from stackcanvas.data.store import writer
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

root = Path(sys.argv[1])
database = open_database(f"sqlite:///{root}/metadata.db")
prepare(database, load)
clock = SystemClock()
spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
data = Data(spine, open_objects(root / "objects"), root, root / "cache")
schema = pa.schema([(f"x{number}", pa.float64()) for number in range(10)])
draw = np.random.default_rng(0)
rows = ([draw.random(100_000) for _ in range(10)] for _ in range(int(sys.argv[2])))
stream = pa.RecordBatchReader.from_batches(schema, (pa.record_batch(row, schema=schema) for row in rows))
parquetfiles._GROUP_BYTES = writer.PACK_BYTES = int(sys.argv[3])
print(data.commit("long", stream).rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""


def _wish(**facts: object) -> Wish:
    plain = {"name": "x", "message": "", "table": None, "key": (), "tags": (), "advance": lambda _: None}
    return Wish(**{**plain, **facts})  # type: ignore[arg-type]


def test_nothing_is_recorded(data: Data, root: Path) -> None:
    """A draft is durable in the store, and no record names it."""
    (root / "a.csv").write_text("a\n1\n")
    parts = data._parts

    made = draft(parts, None, gather([root / "a.csv"]), _wish())

    assert (made.manifest.rows, made.manifest.columns) == (1, (("a", "Int64"),))
    assert parts.reader.complete([bytes.fromhex(made.manifest.listing)]) == [True]
    assert data.ls() == []


def test_a_table_is_the_same_wherever_it_comes_from(data: Data, root: Path) -> None:
    """Rows from a frame, a stream and a file make the same manifest."""
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    frame.write_parquet(root / "a.parquet")

    manifests = {
        draft(data._parts, frame, None, _wish()).manifest,
        draft(data._parts, frame.to_arrow().to_reader(), None, _wish()).manifest,
        draft(data._parts, None, gather([root / "a.parquet"]), _wish(table=True)).manifest,
    }

    assert len(manifests) == 1


def test_memory_is_constant(tmp_path: Path) -> None:
    """A stream four times as long takes no more memory."""
    short_mb = _peak_mb(tmp_path / "short", batches=5, group_mb=4)
    long_mb = _peak_mb(tmp_path / "long", batches=20, group_mb=4)

    assert long_mb - short_mb < 60  # the longer one has 120 MB more


@pytest.mark.soak
def test_a_stream_larger_than_the_memory_it_takes(tmp_path: Path) -> None:
    """With groups and packs of their real size, 3 GB are committed in less than half of that."""
    assert _peak_mb(tmp_path / "long", batches=400, group_mb=128) < 1400


def _peak_mb(root: Path, *, batches: int, group_mb: int) -> int:
    """The memory that a process takes to commit a stream of 8 MB a batch."""
    root.mkdir()
    command = [sys.executable, "-c", _STREAM, str(root), str(batches), str(group_mb << 20)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, peak_mb = (int(word) for word in done.stdout.split())
    assert rows == batches * 100_000
    return peak_mb
