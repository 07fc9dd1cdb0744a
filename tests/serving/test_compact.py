"""Compaction moves every row exactly once, wherever it is stopped."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stackcanvas.errors import Unavailable
from stackcanvas.serving import Compacted, Log
from stackcanvas.serving.compact import compact
from stackcanvas.serving.days import day_files, merged_segments
from stackcanvas.serving.server.segments import Segment, log_schema

DAY = datetime(2013, 5, 1, tzinfo=UTC)
READER = "stackcanvas.serving.log"
HOURS = [DAY + timedelta(hours=hour) for hour in range(72)]


def ids(root: Path) -> list[str]:
    """All ids of the log, sorted."""
    rows = Log(root).scan("delay")
    return sorted(rows.collect()["prediction_id"]) if rows.collect_schema().names() else []


def test_rows_lie_by_endpoint_and_day(predictions: Path, log_writer: Any) -> None:
    """One file a day, which grows; the segments are gone."""
    log_writer.write(HOURS)
    log_writer.write(HOURS[:30])
    assert compact(predictions) == Compacted(2, 102, 3)
    log_writer.write(HOURS[70:])
    assert compact(predictions) == Compacted(1, 2, 1)
    assert compact(predictions) == Compacted(0, 0, 0)

    heights = {path.name: pl.read_parquet(path).height for path in (predictions / "delay").iterdir()}
    assert heights == {"2013-05-01.parquet": 48, "2013-05-02.parquet": 30, "2013-05-03.parquet": 26}
    assert list((predictions / "segments").iterdir()) == []


def test_a_full_file_is_not_written_again(predictions: Path, log_writer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy day has several files."""
    monkeypatch.setattr("stackcanvas.serving.compact._FULL_BYTES", 1)
    written = [one for _ in range(3) for one in log_writer.write(HOURS[:5]) if compact(predictions) is not None]

    names = sorted(path.name for path in (predictions / "delay").iterdir())
    assert names == ["2013-05-01.1.parquet", "2013-05-01.2.parquet", "2013-05-01.parquet"]
    assert ids(predictions) == written


def test_a_segment_that_is_being_written_is_left_alone(predictions: Path, log_writer: Any) -> None:
    """Its rows can be read; they move when it is sealed."""
    written = log_writer.write(HOURS[:4])
    log_writer.unseal()
    (path,) = (predictions / "segments").iterdir()
    holder = Segment(predictions / "segments", "held", log_schema([], []))
    content = path.read_bytes()
    path.unlink()
    os.write(holder._file, content[holder.size_bytes :])
    assert compact(predictions).segments == 0
    holder.seal()
    del written


class Stopped(BaseException):
    """The process ends here."""


def _stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[], int]:
    """End the process before the given step on the file system; gives how many steps were taken."""
    taken = 0

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def do(*arguments: Any, **options: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == step:
                raise Stopped
            return real(*arguments, **options)

        return do

    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (pl.DataFrame, "write_parquet")):
        monkeypatch.setattr(owner, name, counting(getattr(owner, name)))
    return lambda: taken


def test_it_may_stop_before_every_step(predictions: Path, log_writer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before any write, rename or removal, nothing is lost and nothing is there twice, then and afterwards."""
    written = log_writer.write(HOURS)
    compact(predictions)
    step = 1
    while True:
        written += log_writer.write(HOURS) + log_writer.write(HOURS[20:50], columns=("wind", "rain"))
        with monkeypatch.context() as patched:
            taken = _stop_at(patched, step)
            with suppress(Stopped):
                compact(predictions)
            finished = taken() < step
        assert ids(predictions) == sorted(written)
        compact(predictions)
        assert ids(predictions) == sorted(written)
        if finished:
            break
        step += 1
    assert step > 12


def test_a_full_disk_leaves_all_as_it_was(predictions: Path, log_writer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while writing is said, and the next compaction goes on."""
    written = log_writer.write(HOURS)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="the disk is full"):
            compact(predictions)
    assert ids(predictions) == written
    assert compact(predictions).rows == 72
    assert ids(predictions) == written


def test_readers_beside_a_compaction_see_every_row_once(predictions: Path, log_writer: Any) -> None:
    """However often the files change under them."""
    written: list[str] = []
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            least = len(written)
            found = ids(predictions)
            if len(found) != len(set(found)) or len(found) < least:
                wrong.append(f"{len(found)} rows, {len(set(found))} ids, at least {least} expected")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(12):
        written += log_writer.write(HOURS[:30])
        compact(predictions)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert ids(predictions) == written


def test_days_read_before_and_after_a_compaction_do_not_mix(
    predictions: Path, log_writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A segment moves after it was read, and its name is forgotten while its days are read: they are read again."""
    written = log_writer.write(HOURS[:30])

    def moved_meanwhile(folder: Path) -> Any:
        compact(predictions)
        monkeypatch.setattr(f"{READER}.day_files", day_files)
        return day_files(folder)

    def forgotten_meanwhile(handle: Any) -> Any:
        found = merged_segments(handle)
        monkeypatch.setattr(f"{READER}.merged_segments", merged_segments)
        written.extend(log_writer.write(HOURS[:30]))
        compact(predictions)
        return found

    monkeypatch.setattr(f"{READER}.day_files", moved_meanwhile)
    monkeypatch.setattr(f"{READER}.merged_segments", forgotten_meanwhile)
    assert ids(predictions) == sorted(written)


def test_a_damaged_segment_is_kept_as_evidence(predictions: Path, log_writer: Any) -> None:
    """Its readable rows are moved, its bytes set aside."""
    log_writer.write(HOURS[:3])
    (path,) = (predictions / "segments").iterdir()
    path.write_bytes(path.read_bytes()[:-60] + b"\xff" * 40)

    assert compact(predictions).segments == 1
    assert [one.name for one in (predictions / "segments").iterdir()] == [f"{path.name}.damaged"]


_CHILD = """
import sys
from pathlib import Path
from stackcanvas.serving.compact import compact
from stackcanvas.serving.days import day_files, merged_segments
root = Path(sys.argv[1])
print("ready", flush=True)
while True:
    compact(root)
"""


@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.soak)])
def test_killed_compactions_lose_nothing(predictions: Path, log_writer: Any, rounds: int) -> None:
    """Kill -9 at random moments, then the next one goes on; every row is there once."""
    rng = random.Random(rounds)
    written: list[str] = []
    for _ in range(rounds):
        child = subprocess.Popen([sys.executable, "-c", _CHILD, str(predictions)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        for _ in range(3):
            written += log_writer.write(HOURS)
        time.sleep(rng.random() * 0.1)
        child.kill()
        child.communicate()
        assert ids(predictions) == written
    compact(predictions)
    assert ids(predictions) == written
