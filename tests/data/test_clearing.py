"""Clearing up: what nothing needs goes, what something needs stays readable, whoever is at work beside."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.data.store import packs, writer
from stackcanvas.errors import Conflict, Corrupt, NotFound, Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.testing.s3 import s3_server, s3_url

__all__ = ["s3_server", "s3_url"]

_AT_ONCE = timedelta(0)


def _size(objects: Objects) -> int:
    return sum(info.size_bytes for info in objects.list("data/packs/"))


def _commit(data: Data, root: Path, name: str, *, seed: int, size: int = 300_000) -> Ref:
    path = root / name
    path.write_bytes(random.Random(seed).randbytes(size))
    return data.commit(name, path).ref


def test_nothing_is_removed_that_a_version_needs(data: Data, root: Path, objects: Objects) -> None:
    """With all versions needed, nothing changes."""
    for seed in range(3):
        _commit(data, root, "x", seed=seed)
    before = _size(objects)

    done = data.gc()

    assert (done.removed, done.removed_bytes) == (0, 0)
    assert _size(objects) == before
    assert data.verify().sound


def test_what_was_forgotten_gives_its_space_back(data: Data, root: Path, objects: Objects) -> None:
    """The packs of versions that were given up go; the others stay as they were."""
    for seed in range(4):
        _commit(data, root, "x", seed=seed)
    before = _size(objects)

    assert [version.number for version in data.forget(keep=2)] == [2, 1]
    told = data.gc(dry=True)
    assert _size(objects) == before
    done = data.gc()

    assert done.removed == told.removed == 2
    assert done.removed_bytes == told.removed_bytes > 600_000
    assert _size(objects) < 0.6 * before
    assert data.verify().sound
    assert [one.forgotten is not None for one in data.log("x")] == [False, False, True, True]
    with pytest.raises(NotFound, match="given up"):
        data.files("x@1")
    with pytest.raises(NotFound, match="given up"):
        data.checkout("x@1", root / "out")


def test_a_pack_of_which_little_is_needed_is_written_anew(data: Data, root: Path, objects: Objects) -> None:
    """What is needed of it moves; it is the same bytes afterwards, for a reader with an old index too."""
    folder = root / "many"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}").write_bytes(random.Random(number).randbytes(20_000))
    data.commit("many", folder)
    for number in range(2, 20):
        (folder / f"{number}").unlink()
    data.commit("many", folder)
    data.forget("many@1")

    done = data.gc()

    assert (done.removed, done.rewritten) == (1, 1)
    assert _size(objects) < 60_000
    assert data.verify().sound
    data.checkout("many", root / "out")
    assert (root / "out" / "1").read_bytes() == random.Random(1).randbytes(20_000)


def test_a_reader_with_an_old_index(make_data: Callable[..., Data], root: Path) -> None:
    """Another process that knows the chunks by their old place finds them in the new one."""
    one, other = make_data("one"), make_data("other")
    folder = root / "many"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}").write_bytes(random.Random(number).randbytes(20_000))
    one.commit("many", folder)
    assert other.verify().sound
    for number in range(1, 10):
        (folder / f"{number}").unlink()
    one.commit("many", folder)
    one.forget("many@1")
    one.gc()

    other.checkout("many", root / "out")

    assert (root / "out" / "0").read_bytes() == random.Random(0).randbytes(20_000)


@pytest.mark.parametrize("need", ["newest", "tag", "lock", "run"])
def test_what_is_needed_cannot_be_forgotten(data: Data, spine: Spine, root: Path, need: str) -> None:
    """The newest, a tagged one, the one of data.lock, and one that a run has read are kept, and the reason is told."""
    for seed in range(3):
        _commit(data, root, "x", seed=seed)
    if need == "tag":
        data.tag("x@1", "good")
    elif need == "lock":
        data.checkout("x@1", root / "out")
    elif need == "run":
        with spine.record("experiments.run") as recording:
            recording.used(Ref.parse("data:x@1"))
    ref = "x@3" if need == "newest" else "x@1"

    with pytest.raises(Conflict, match={"run": "read by experiments.run", "lock": "data.lock"}.get(need, need)):
        data.forget(ref)
    data.forget(keep=1)

    assert data.get(ref).forgotten is None
    assert data.get("x@2").forgotten is not None


def test_what_is_damaged_stops_it(data: Data, root: Path, objects: Objects, tmp_path: Path) -> None:
    """When it cannot be told what a version needs, nothing is removed."""
    _commit(data, root, "x", seed=1, size=900_000)
    _commit(data, root, "y", seed=2)
    _commit(data, root, "y", seed=3)
    data.forget("y@1")
    data.close()
    before = _size(objects)
    for index in (tmp_path / "objects" / "data" / "packs").glob("*.index"):
        index.rename(tmp_path / index.name)
        break
    (tmp_path / "cache" / "chunks.db").unlink()
    again = Data(data._parts.spine, objects, root, tmp_path / "cache")

    try:
        again.gc()
    except Corrupt:
        assert _size(objects) == before - next(tmp_path.glob("*.index")).stat().st_size
    else:
        assert again.verify().sound  # the index that was lost belonged to what was given up
    again.close()


def test_a_remote_is_not_cleared(data: Data, root: Path, objects: Objects) -> None:
    """Others count on what they have pushed there."""
    _commit(data, root, "x", seed=1)
    data.push(to=str(root / "remote"))
    far = Data(data._parts.spine, open_objects(root / "remote"), root, root / "other")

    with pytest.raises(Refused, match="remote"):
        far.gc()
    far.close()


def test_cached_files_go_too(data: Data, root: Path, tmp_path: Path) -> None:
    """Whole files of versions that were given up leave the cache; those of others stay."""
    _commit(data, root, "x", seed=1)
    data.checkout("x@1", root / "out", link=True)
    _commit(data, root, "x", seed=2)
    data.checkout("x@2", root / "out", link=True)
    data.forget("x@1")

    assert data.gc().files == 1
    assert len(list((tmp_path / "cache" / "files").glob("??/*"))) == 1


def test_leftovers_of_killed_commits(data: Data, root: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packs that no version names, and packs without an index, are removed."""
    _commit(data, root, "x", seed=1)
    kept = _size(objects)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stackcanvas.data.commit._record", die)
        with pytest.raises(KeyboardInterrupt):
            _commit(data, root, "y", seed=2)
    objects.put(packs.pack_key(b"\1" * 32), b"half")
    assert _size(objects) > kept

    data.gc()

    assert _size(objects) == kept
    assert data.verify().sound


def test_it_waits_for_who_is_writing(
    make_data: Callable[..., Data], make_spine: Callable[..., Spine], clock: ManualClock, root: Path
) -> None:
    """A commit that has begun is waited for, and nothing is removed when patience is over.

    One that began days ago on another machine, of which nobody knows, does not count.
    """
    data = make_data()
    _commit(data, root, "x", seed=1)
    _commit(data, root, "x", seed=2)
    data.forget("x@1")
    other = make_spine("bob")
    with other.write() as tx:
        started = other.executions.start(tx, other.ids.new(), "data.commit", code=other.code())
    _of_another_machine(other, started.id)

    done = data.gc(patience=_AT_ONCE)

    assert done.waiting == (started.id,)
    assert done.removed == 0
    clock.advance(seconds_s=30 * 3600)
    assert data.gc(patience=_AT_ONCE).removed == 1


def _of_another_machine(spine: Spine, execution: str) -> None:
    with spine.write() as tx:
        tx.exec_driver_sql(f"update execution set process = 'elsewhere/1/1' where id = '{execution}'")  # noqa: S608


def test_two_who_clear_up(data: Data, spine: Spine, root: Path) -> None:
    """One at a time."""
    _commit(data, root, "x", seed=1)
    with spine.record("data.gc"), pytest.raises(Conflict, match="already"):
        data.gc()
    data.gc()


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_a_commit_beside_it_that_uses_what_is_to_go(  # noqa: PLR0917 - fixtures
    make_spine: Callable[..., Spine],
    root: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """A commit has found its chunks in a pack that nobody needs when clearing up begins, and waits.

    When the commit has ended its version is sound: what it counted on was kept.
    """
    url = str(tmp_path / "shared") if where == "folder" else request.getfixturevalue("s3_url")
    one = Data(make_spine("ada"), open_objects(url), root, tmp_path / "one")
    other = Data(make_spine("bob"), open_objects(url), root, tmp_path / "other")
    old = random.Random(1).randbytes(300_000)
    (root / "x").write_bytes(old)
    one.commit("x", root / "x")
    _commit(one, root, "x", seed=2)
    one.forget("x@1")
    looked, go_on = threading.Event(), threading.Event()
    flush = writer.Writer.flush

    def wait(self: writer.Writer) -> None:
        looked.set()
        assert go_on.wait(30)
        flush(self)

    (root / "y").write_bytes(old)  # the content of x@1, which nothing needs any more
    failed: list[BaseException] = []

    def commit() -> None:
        try:
            with monkeypatch.context() as patched:
                patched.setattr(writer.Writer, "flush", wait)
                other.commit("y", root / "y")
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    beside = threading.Thread(target=commit)
    beside.start()
    assert looked.wait(30)
    clearing: list[object] = []
    clears = threading.Thread(target=lambda: clearing.append(one.gc(patience=timedelta(seconds=60))))
    clears.start()
    threading.Event().wait(0.3)
    assert not clearing
    go_on.set()
    beside.join()
    clears.join()

    assert failed == []
    assert len(clearing) == 1
    assert other.get("y").new_bytes < 10_000  # it did count on the old pack
    for data in (one, other):
        assert data.verify().sound
        data.checkout("y", tmp_path / f"out-{id(data)}")
        assert (tmp_path / f"out-{id(data)}" / "y").read_bytes() == old
        data.close()


def test_a_commit_that_begins_while_it_runs(
    make_data: Callable[..., Data], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not count on what is condemned, but stores it again."""
    one, other = make_data("one"), make_data("other")
    old = random.Random(1).randbytes(300_000)
    (root / "x").write_bytes(old)
    one.commit("x", root / "x")
    _commit(one, root, "x", seed=2)
    one.forget("x@1")
    (root / "y").write_bytes(old)
    monkeypatch.setattr("stackcanvas.data.clearing._wait", lambda *_: (other.commit("y", root / "y"), ())[1])

    one.gc()

    assert other.get("y").new_bytes > 300_000
    assert one.verify().sound
    assert other.verify().sound


STEPS = st.lists(st.tuples(st.sampled_from("cfgr"), st.integers(0, 3)), min_size=3, max_size=15)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_random_histories(
    make_data: Callable[..., Data], tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Whatever is committed, given up and cleared, what is kept is readable and as it was."""
    _history(make_data, tmp_path_factory, steps)


@pytest.mark.soak
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_many_random_histories(
    make_data: Callable[..., Data], tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """The same by the hundred."""
    _history(make_data, tmp_path_factory, steps)


def _history(
    make_data: Callable[..., Data], tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    data = make_data()
    root = tmp_path_factory.mktemp("files")
    name = root.name
    contents: dict[int, list[int]] = {}
    for verb, seed in steps:
        if verb in "cr":
            rows = [random.Random(seed + 10 * part).randrange(10**9) for part in range(30_000 * (verb == "r") + 3)]
            contents[data.commit(name, pl.DataFrame({"n": rows})).number] = rows
        elif verb == "f" and contents:
            data.forget(keep=1 + seed)
        elif verb == "g":
            data.gc()
    if not contents:
        return
    data.gc()
    assert data.verify().sound
    for version in data.log(name):
        if version.forgotten is None:
            assert data.read(version.ref)["n"].to_list() == contents[version.number]
