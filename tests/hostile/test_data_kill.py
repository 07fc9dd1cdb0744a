"""Kill -9 at any moment of a commit leaves the store as before or as after, and nothing that needs a human."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.data import Data
from stackcanvas.data.lockfile import LockFile
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

_WORKER = Path(__file__).with_name("data_worker.py")


@pytest.mark.parametrize("seed", range(13))
def test_killed_at_a_random_moment(tmp_path: Path, seed: int) -> None:
    """One process that commits files, a large file and rows, killed somewhere."""
    _kill_and_check(tmp_path, seed, workers=1)


def test_two_killed_at_the_same_moment(tmp_path: Path) -> None:
    """Two processes that commit to the same data sets, both killed: as when the machine goes down."""
    _kill_and_check(tmp_path, 13, workers=2)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 500))
def test_killed_at_many_random_moments(tmp_path: Path, seed: int) -> None:
    """The same by the hundred."""
    _kill_and_check(tmp_path, seed, workers=1 + seed % 2)


@pytest.mark.soak
def test_killed_again_and_again(tmp_path: Path) -> None:
    """One store that is killed fifty times and never repaired by hand."""
    for seed in range(1000, 1050):
        _kill_and_check(tmp_path, seed, workers=1)


def _kill_and_check(root: Path, seed: int, *, workers: int) -> None:
    url = f"sqlite:///{root}/metadata.db"
    prepare(open_database(url), load)
    answered = _killed(url, root, seed, workers)

    clock = SystemClock()
    spine = Spine(open_database(url), clock=clock, ids=Ids(clock.now), actor=Actor("test"))
    data = Data(spine, open_objects(root / "objects"), root, root / "cache")
    try:
        _check(data, spine, root, answered)
    finally:
        data.close()
        spine.database.close()


def _killed(url: str, root: Path, seed: int, workers: int) -> dict[str, str]:
    """What the workers had answered when they were killed."""
    draw = random.Random(seed)
    command = [sys.executable, str(_WORKER), url, str(root)]
    running = [
        subprocess.Popen([*command, str(seed + 10_000 * number), "0"], stdout=subprocess.PIPE, text=True)
        for number in range(workers)
    ]
    answered: dict[str, str] = {}
    for worker in running:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    threading.Event().wait(draw.uniform(0, 0.8))
    for worker in running:
        worker.send_signal(signal.SIGKILL)
    for worker in running:
        out, _ = worker.communicate()
        answered |= dict(line.split() for line in out.splitlines(keepends=True) if line.endswith("\n"))
    return answered


def _check(data: Data, spine: Spine, root: Path, answered: dict[str, str]) -> None:
    versions = data._parts.versions.every()
    there = {str(version.ref): version.digest for version in versions}
    assert answered.items() <= there.items()
    assert data.verify().problems == ()
    for name in {version.name for version in versions}:
        log = data.log(name)
        assert [version.number for version in log] == list(range(len(log), 0, -1))
    # Every version has its event, artifact and finished execution, and there are no others.
    events = [str(event.subject) for event in spine.events.after(0, limit=10_000)]
    assert sorted(events) == sorted(there)
    assert {str(found.ref) for found in spine.artifacts.search(kind="data", limit=10_000)} == set(there)
    assert all(spine.executions.get(version.execution).state == "done" for version in versions)
    assert spine.audit.verify() == []
    locked = LockFile(root, data._parts.scratch).read()
    assert all(there[f"data:{name}@{line.number}"] == line.digest for name, line in locked.items())
    # The next commit works at once, and what the killed ones left in writing is gone.
    made = data.commit("rows", pl.DataFrame({"x": [len(versions)]}))
    assert data.read(made.ref)["x"].to_list() == [len(versions)]
    assert list((root / "objects" / ".writing").iterdir()) == []
    assert list((root / "cache" / "writing").iterdir()) == []
