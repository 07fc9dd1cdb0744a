"""Segments of the prediction log can be read at any moment, and belong to one process."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.serving.server.segments import Segment, is_orphan, read_batches

SCHEMA = pa.schema([pa.field("row", pa.int64())])


def batch(*rows: int) -> pa.RecordBatch:
    """Some rows."""
    return pa.RecordBatch.from_arrays([pa.array(rows, pa.int64())], schema=SCHEMA)


def rows(path: Path) -> list[int]:
    """What a reader sees."""
    return [row for one in read_batches(path) for row in one.column("row").to_pylist()]


def test_rows_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    """Every whole batch is there at once; sealing changes the name only."""
    segment = Segment(tmp_path, "p-1", SCHEMA)
    assert rows(segment.path) == []
    segment.write(batch(1, 2))
    assert rows(segment.path) == [1, 2]
    assert not is_orphan(segment.path)
    segment.write(batch(3))
    segment.seal()

    assert not segment.path.exists()
    assert rows(tmp_path / "p-1.sealed.arrow") == [1, 2, 3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 2000), tail=st.binary(max_size=40))
def test_a_torn_end_costs_the_last_batch_only(tmp_path: Path, cut: int, tail: bytes) -> None:
    """Wherever a power cut ended the file, and whatever stands behind, whole batches before it are read."""
    path = tmp_path / "p-1.arrow"
    path.unlink(missing_ok=True)
    segment = Segment(tmp_path, "p-1", SCHEMA)
    ends = [segment.size_bytes]
    for at in range(4):
        segment.write(batch(at, at + 10))
        ends.append(segment.size_bytes)
    whole = path.read_bytes()
    os.close(segment._file)
    path.write_bytes(whole[:cut] + tail)

    expected = [row for at in range(4) if ends[at + 1] <= cut for row in (at, at + 10)]
    assert rows(path)[: len(expected)] == expected
    if cut >= len(whole):
        assert rows(path) == expected


def test_a_dead_process_leaves_orphans(tmp_path: Path) -> None:
    """A segment whose writer is gone can be told from one that is being written."""
    child = os.fork()
    if child == 0:
        Segment(tmp_path, "p-1", SCHEMA).write(batch(1))
        os._exit(0)
    os.waitpid(child, 0)

    assert is_orphan(tmp_path / "p-1.arrow")
    assert rows(tmp_path / "p-1.arrow") == [1]


def test_no_segment_is_written_over(tmp_path: Path) -> None:
    """A name that is taken is refused."""
    first = Segment(tmp_path, "p-1", SCHEMA)
    first.write(batch(1))
    first.seal()
    (tmp_path / "p-2.arrow.new").write_bytes(b"")

    with pytest.raises(FileExistsError):
        Segment(tmp_path, "p-2", SCHEMA)
    assert rows(tmp_path / "p-1.sealed.arrow") == [1]
