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


@pytest.mark.parametrize("seed", range(5))
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


_CHECKOUT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from data_worker import open_data
data = open_data(sys.argv[1], Path(sys.argv[2]))
sys.stdout.write("ready\\n")
sys.stdout.flush()
for number in range(10**9):
    data.checkout(f"files@{1 + number % 2}", Path(sys.argv[2]) / "out", link=number % 3 == 0)
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_checkouts(tmp_path: Path, seed: int) -> None:
    """A checkout that is killed leaves whole files of one version or the other, and the next one completes it."""
    url = f"sqlite:///{tmp_path}/metadata.db"
    prepare(open_database(url), load)
    clock = SystemClock()
    spine = Spine(open_database(url), clock=clock, ids=Ids(clock.now), actor=Actor("test"))
    data = Data(spine, open_objects(tmp_path / "objects"), tmp_path, tmp_path / "cache")
    (tmp_path / "source").mkdir()
    for turn in (b"1", b"2"):
        for number in range(300):
            (tmp_path / "source" / f"{number}").write_bytes(turn * 5000)
        data.commit("files", tmp_path / "source")
    command = [sys.executable, "-c", _CHECKOUT, url, str(tmp_path), str(_WORKER.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        threading.Event().wait(random.Random(seed).uniform(0, 0.6))
        worker.send_signal(signal.SIGKILL)

    if (tmp_path / "out").exists():
        assert {path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()} <= {
            b"1" * 5000,
            b"2" * 5000,
        }
    data.checkout("files@1", tmp_path / "out")
    found = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in found] == sorted(map(str, range(300)))
    assert {path.read_bytes() for path in found} == {b"1" * 5000}
    assert data.verify().sound
    data.close()
    spine.database.close()


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
