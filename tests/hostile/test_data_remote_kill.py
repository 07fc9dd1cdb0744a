"""Kill -9 at any moment of a push, a pull or a clearing up loses nothing, and the same command goes on afterwards."""

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
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load

_WORK = """
import sys
from datetime import timedelta
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from data_worker import open_data

root, verb, remote = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
data = open_data(f"sqlite:///{root}/metadata.db", root)
sys.stdout.write("ready\\n")
sys.stdout.flush()
if verb == "push":
    data.push(to=remote)
elif verb == "pull":
    data.pull(source=remote)
else:
    data.gc(patience=timedelta(seconds=5))
sys.stdout.write("done\\n")
sys.stdout.flush()
"""


def _opened(root: Path) -> tuple[Data, Spine]:
    clock = SystemClock()
    spine = Spine(open_database(f"sqlite:///{root}/metadata.db"), clock=clock, ids=Ids(clock.now), actor=Actor("test"))
    return Data(spine, open_objects(root / "objects"), root, root / "cache"), spine


def _filled(root: Path, monkeypatch: pytest.MonkeyPatch, draw: random.Random) -> dict[int, list[int]]:
    """A workspace with versions in several small packs; the values of each."""
    root.mkdir()
    url = f"sqlite:///{root}/metadata.db"
    prepare(open_database(url), load)
    data, spine = _opened(root)
    contents = {}
    with monkeypatch.context() as patched:
        patched.setattr("stackcanvas.data.store.writer.PACK_BYTES", 100_000)
        for _ in range(6):
            rows = [draw.randrange(10**15) for _ in range(40_000)]
            contents[data.commit("rows", pl.DataFrame({"x": rows})).number] = rows
    data.close()
    spine.database.close()
    return contents


def _killed(root: Path, verb: str, remote: Path, after_s: float) -> None:
    command = [sys.executable, "-c", _WORK, str(root), verb, str(remote), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        threading.Event().wait(after_s)
        worker.send_signal(signal.SIGKILL)


def _transfers(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    ada, bob, remote = tmp_path / "ada", tmp_path / "bob", tmp_path / "remote"
    contents = _filled(ada, monkeypatch, draw)
    for _ in range(2):
        _killed(ada, "push", remote, draw.uniform(0, 0.25))
    _check_remote(tmp_path / "looking", remote, contents)
    one, ones = _opened(ada)
    one.push(to=str(remote))
    bob.mkdir()
    prepare(open_database(f"sqlite:///{bob}/metadata.db"), load)
    for _ in range(2):
        _killed(bob, "pull", remote, draw.uniform(0, 0.25))
    other, others = _opened(bob)
    for version in other.ls() and other.log("rows"):
        assert other.read(version.ref)["x"].to_list() == contents[version.number]
    assert other.verify().sound
    other.pull(source=str(remote))

    assert [(v.number, v.digest) for v in other.log("rows")] == [(v.number, v.digest) for v in one.log("rows")]
    assert other.verify().sound
    assert others.audit.verify() == []
    for data, spine in ((one, ones), (other, others)):
        data.close()
        spine.database.close()


def _check_remote(root: Path, remote: Path, contents: dict[int, list[int]]) -> None:
    """Whatever a killed push has left, what can be pulled is whole."""
    root.mkdir()
    prepare(open_database(f"sqlite:///{root}/metadata.db"), load)
    data, spine = _opened(root)
    data.pull(source=str(remote))
    for version in data.ls() and data.log("rows"):
        assert data.read(version.ref)["x"].to_list() == contents[version.number]
    assert data.verify().sound
    data.close()
    spine.database.close()


def _clearings(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    root = tmp_path / "ada"
    contents = _filled(root, monkeypatch, draw)
    data, spine = _opened(root)
    before = sum(info.size_bytes for info in data._parts.objects.list("data/packs/"))
    gone = {version.number for version in data.forget(keep=1 + seed % 4)}
    for _ in range(3):
        _killed(root, "gc", tmp_path, draw.uniform(0, 0.2))
        assert data.verify().sound
        made = data.commit("rows", pl.DataFrame({"x": [draw.random()]}))
        assert data.read(made.ref).height == 1

    data.gc()
    for number, rows in contents.items():
        if number not in gone:
            assert data.read(f"rows@{number}")["x"].to_list() == rows
    after = sum(info.size_bytes for info in data._parts.objects.list("data/packs/"))
    assert after < before * (1.1 - len(gone) / len(contents))
    assert list(data._parts.objects.list("data/condemned/")) == []
    data.close()
    spine.database.close()


@pytest.mark.parametrize("seed", [0])
def test_killed_transfers(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushes and pulls that are killed show whole versions only, and go on."""
    _transfers(tmp_path, seed, monkeypatch)


@pytest.mark.parametrize("seed", [0])
def test_killed_clearing_up(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clearing up that is killed has removed nothing that is needed, and the next one does the rest."""
    _clearings(tmp_path, seed, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 150))
def test_killed_transfers_by_the_hundred(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, four kills each."""
    _transfers(tmp_path, seed, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 150))
def test_killed_clearing_up_by_the_hundred(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, three kills each."""
    _clearings(tmp_path, seed, monkeypatch)
