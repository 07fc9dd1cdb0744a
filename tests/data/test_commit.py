"""Commit: from files or rows to a version."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from stackcanvas.backends.objects import Objects
from stackcanvas.data import Data, DataVersion
from stackcanvas.data.lockfile import LockFile
from stackcanvas.errors import BadInput, Conflict, NotFound, Unavailable
from stackcanvas.metadata import Ref, Spine

_ROWS = pl.DataFrame({"flight": [1, 2, 3], "delay": [5.0, None, -2.0], "origin": ["EWR", "JFK", "EWR"]})


@pytest.fixture
def flights(root: Path) -> Path:
    """A CSV file in the project."""
    (root / "data").mkdir()
    _ROWS.write_csv(root / "data" / "flights.csv")
    return root / "data" / "flights.csv"


def test_a_file(data: Data, flights: Path) -> None:
    """A version tells what it is: bytes, rows, columns, profile, where it came from."""
    version = data.commit("flights", flights, message="January", tags=["jan"])

    assert str(version.ref) == "data:flights@1"
    assert (version.kind, version.rows, version.files) == ("files", 3, 1)
    assert version.size_bytes == flights.stat().st_size
    assert version.columns == {"flight": "Int64", "delay": "Float64", "origin": "String"}
    assert (version.message, version.tags, version.source) == ("January", ("jan",), ("data/flights.csv",))
    assert version.profile is not None
    assert version.profile.columns["delay"].nulls == 1
    assert not version.existed
    assert data.get("flights") == data.get("flights@1") == data.get("data:flights@jan") == version


def test_everything_is_recorded(data: Data, spine: Spine, flights: Path) -> None:
    """Execution, artifact, lineage, event and audit entry of a commit tell the same."""
    version = data.commit("flights", flights, message="January")

    execution = spine.executions.get(version.execution)
    assert (execution.kind, execution.state, execution.subject) == ("data.commit", "done", Ref("data", "flights"))
    artifact = spine.artifacts.get(version.ref)
    assert artifact is not None
    assert (artifact.digest, artifact.execution) == (version.digest, execution.id)
    assert [edge.execution for edge in spine.lineage.upstream(version.ref).edges] == [execution.id]
    (event,) = spine.events.after(0)
    assert (event.name, event.subject, event.payload["rows"]) == ("data.committed", version.ref, 3)
    assert [(entry.action, entry.subject) for entry in spine.audit.entries()] == [("data.commit", version.ref)]


def test_the_same_again(data: Data, spine: Spine, flights: Path) -> None:
    """Equal content gives the version that is there, and says so; nothing happened to the data."""
    first = data.commit("flights", flights)
    again = data.commit("flights", flights, tags=["good"])

    assert (again.ref, again.existed, again.tags) == (first.ref, True, ("good",))
    assert len(data.log("flights")) == 1
    assert len(spine.events.after(0)) == 1


def test_the_same_again_without_reading(data: Data, flights: Path) -> None:
    """A file that nobody touched is not even opened."""
    os.utime(flights, (1_000_000_000, 1_000_000_000))
    first = data.commit("flights", flights)
    flights.chmod(0)
    opened = flights.open if os.access(flights, os.R_OK) else None  # root may read everything

    assert data.commit("flights", flights).ref == first.ref
    assert opened is None or flights.stat().st_atime_ns >= 0


def test_identity_is_content_and_schema(make_data: Callable[..., Data], flights: Path, tmp_path: Path) -> None:
    """The same bytes elsewhere, under another name and time, are the same identity; other bytes are not."""
    (tmp_path / "flights.csv").write_bytes(flights.read_bytes())
    data = make_data()

    one, two = data.commit("one", flights, message="a"), data.commit("two", tmp_path / "flights.csv", message="b")
    flights.write_text(flights.read_text() + "4,,LGA\n")
    three = data.commit("one", flights)

    assert one.digest == two.digest != three.digest
    assert two.new_bytes == 0
    assert (three.number, three.changed_columns) == (2, {})


def test_back_to_an_earlier_content(data: Data, flights: Path) -> None:
    """Going back is a new version with the old identity: the latest is always what was committed last."""
    old = flights.read_text()
    first = data.commit("flights", flights)
    flights.write_text(old + "4,,LGA\n")
    data.commit("flights", flights)
    flights.write_text(old)

    third = data.commit("flights", flights)

    assert (third.number, third.digest, third.existed) == (3, first.digest, False)


def test_changed_columns_are_said(data: Data, flights: Path) -> None:
    """Another column, a column less and another type are allowed, and the version says what differs."""
    data.commit("flights", flights)
    flights.write_text("flight,delay,carrier\n1,late,UA\n")

    version = data.commit("flights", flights)

    assert version.changed_columns == {
        "delay": ("Float64", "String"),
        "origin": ("String", None),
        "carrier": (None, "String"),
    }
    assert data.get("flights").changed_columns == version.changed_columns


def test_a_folder(data: Data, root: Path) -> None:
    """A folder of anything is a version without columns."""
    (root / "images" / "cats").mkdir(parents=True)
    for number in range(30):
        (root / "images" / "cats" / f"{number}.png").write_bytes(bytes([number]) * 100)

    version = data.commit("images", root / "images")

    assert (version.files, version.size_bytes, version.rows, version.columns) == (30, 3000, None, {})
    assert version.profile is None
    assert [file.path for file in data.files("images")][:2] == ["cats/0.png", "cats/1.png"]


def test_several_files_are_one_table(data: Data, root: Path) -> None:
    """Files with the same columns are read one after the other."""
    paths = [root / "1.parquet", root / "2.parquet"]
    _ROWS.head(1).write_parquet(paths[0])
    _ROWS.tail(2).write_parquet(paths[1])

    assert data.commit("flights", paths).rows == 3
    assert_frame_equal(data.read("flights"), _ROWS)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_instead_of_bytes(data: Data, root: Path, suffix: str) -> None:
    """With `table` the rows of files are kept; the same rows from another format are the same version."""
    path = root / f"a.{suffix}"
    getattr(_ROWS, f"write_{suffix}")(path)

    version = data.commit("flights", path, table=True)

    assert (version.kind, version.rows) == ("table", 3)
    assert [file.path for file in data.files("flights")] == ["table.parquet"]
    assert_frame_equal(data.read("flights"), _ROWS)
    assert data.commit("flights", _ROWS).existed


def test_a_frame(data: Data) -> None:
    """Rows in memory are kept as a table."""
    version = data.commit("flights", _ROWS, key="flight")

    assert (version.kind, version.rows, version.key, version.source) == ("table", 3, ("flight",), ())
    assert_frame_equal(data.read("flights"), _ROWS)


def test_the_name_in_full(data: Data) -> None:
    """The full form is fine, a version or something of another kind is not."""
    assert data.commit("data:flights", _ROWS).name == "flights"
    with pytest.raises(BadInput, match=r"'flights@1' names one\. Say 'flights'"):
        data.commit("flights@1", _ROWS)
    with pytest.raises(BadInput, match="names a model"):
        data.commit("model:flights", _ROWS)


def test_no_rows(data: Data) -> None:
    """A table may be empty."""
    assert data.commit("flights", _ROWS.clear()).rows == 0
    assert_frame_equal(data.read("flights"), _ROWS.clear())


def test_the_lock_file(data: Data, root: Path, spine: Spine, flights: Path) -> None:
    """A commit by a person is written to `data.lock`; one inside a pipeline is pinned by its record instead."""
    version = data.commit("flights", flights)
    with spine.record("pipelines.run") as run:
        inner = data.commit("made", _ROWS)

    lines = LockFile(root, data._parts.scratch).read()
    assert {name: line.digest for name, line in lines.items()} == {"flights": version.digest}
    assert {edge.execution for edge in spine.lineage.upstream(inner.ref).edges} == {run.id, inner.execution}


def test_a_merge_in_the_lock_file(data: Data, root: Path, flights: Path) -> None:
    """Marks of a merge stop the commit before anything is done."""
    (root / "data.lock").write_text("<<<<<<< HEAD\n")

    with pytest.raises(Conflict, match=r"data\.lock:1"):
        data.commit("flights", flights)
    assert data.ls() == []


@pytest.mark.parametrize(
    ("source", "options", "error", "said"),
    [
        ("missing.csv", {}, NotFound, "missing.csv"),
        ({"a": [1]}, {}, BadInput, "dict cannot be committed"),
        ([], {}, BadInput, "list cannot be committed"),
        (_ROWS, {"table": False}, BadInput, "no bytes of their own"),
        (_ROWS, {"key": "flihgt"}, BadInput, "Did you mean 'flight'"),
        (_ROWS, {"key": "origin"}, BadInput, "2 rows share theirs, such as origin EWR"),
        (_ROWS, {"key": ["flight", "flight"]}, BadInput, "key names a column twice"),
        (_ROWS, {"tags": ["3"]}, BadInput, "cannot be a tag"),
        (pl.DataFrame(), {}, BadInput, "no columns"),
    ],
)
def test_what_cannot_be_committed(  # noqa: PLR0917
    data: Data, spine: Spine, source: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    """It is said why, nothing is half done, and the failure is recorded where work had begun."""
    with pytest.raises(error, match=said):
        data.commit("flights", source, **options)

    assert data.ls() == []
    assert spine.events.after(0) == []
    assert all(execution.state == "failed" for execution in spine.executions.search())


def test_broken_files(data: Data, flights: Path) -> None:
    """A broken CSV file is named with its line, also among sound ones."""
    flights.with_name("more.csv").write_text("flight,delay,origin\n1,2,EWR\n1,2\n")

    with pytest.raises(BadInput, match=r"more\.csv:3: the row has 2 fields, the header 3"):
        data.commit("flights", flights.parent)


def test_no_table_where_one_is_needed(data: Data, root: Path) -> None:
    """Rows and keys need a table."""
    (root / "note.txt").write_text("hello")

    with pytest.raises(BadInput, match=r"note\.txt: the file is no table"):
        data.commit("note", root / "note.txt", table=True)
    with pytest.raises(BadInput, match=r"note\.txt: the file is no table"):
        data.commit("note", root / "note.txt", key="a")


@pytest.mark.parametrize(
    "name", ["rows.feather", "rows.arrow", "rows.ipc", "rows.jsonl", "rows.ndjson", "stream.arrow"]
)
def test_the_rows_of_arrow_files_and_json_lines(data: Data, root: Path, name: str) -> None:
    """Are kept like those of any table; without that they are files as any others."""
    path = root / name
    if name.startswith("stream"):
        _ROWS.write_ipc_stream(path)
    elif path.suffix in {".jsonl", ".ndjson"}:
        _ROWS.write_ndjson(path)
    else:
        _ROWS.write_ipc(path)

    version = data.commit("flights", path, table=True, key="flight")

    assert (version.kind, version.rows, version.key) == ("table", 3, ("flight",))
    assert_frame_equal(data.read("flights"), _ROWS)
    assert data.commit("flights", _ROWS, key="flight").existed
    assert data.commit("bytes", path).columns == {}


def test_several_arrow_files_are_one_table_and_broken_ones_none(data: Data, root: Path) -> None:
    """The file is named, and nothing is recorded."""
    for number in range(2):
        _ROWS.write_ipc(root / f"{number}.arrow")
    assert data.commit("flights", [root / "0.arrow", root / "1.arrow"], table=True).rows == 6

    (root / "bad.arrow").write_bytes((root / "0.arrow").read_bytes()[:200])
    (root / "text.arrow").write_text("hello")
    (root / "bad.jsonl").write_text('{"a": 1}\n{"a": ')
    for name in ("bad.arrow", "text.arrow", "bad.jsonl"):
        with pytest.raises(BadInput, match=name):
            data.commit("bad", root / name, table=True)
    with pytest.raises(NotFound):
        data.get("bad")


def test_names_of_the_stack(spine: Spine, objects: Objects, root: Path, tmp_path: Path) -> None:
    """Names that the stack reads from elsewhere cannot be committed to."""
    data = Data(spine, objects, root, tmp_path / "cache", readers={"predictions": lambda _: pl.LazyFrame()})

    with pytest.raises(BadInput, match="predictions/"):
        data.commit("predictions/delay", _ROWS)
    data.close()


def test_a_full_disk(data: Data, flights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full nothing is half done, and afterwards the commit works."""
    sync = os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="the disk is full"):
        data.commit("flights", flights)
    monkeypatch.setattr(os, "fsync", sync)

    assert data.ls() == []
    assert data.commit("flights", flights).number == 1
    assert data.verify().sound


def test_writers_at_the_same_time(make_data: Callable[..., Data]) -> None:
    """Of several writers each gets a version of its own, with a number of its own."""
    blocks = [make_data(f"cache{number}") for number in range(4)]
    made: list[DataVersion] = []

    def work(number: int) -> None:
        for turn in range(3):
            rows = pl.DataFrame({"writer": [number] * 1000, "turn": [turn] * 1000})
            made.append(blocks[number].commit("shared", rows))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(version.number for version in made) == list(range(1, 13))
    assert len({version.digest for version in made}) == 12
    assert blocks[0].verify().sound


def test_progress(data: Data, root: Path) -> None:
    """Bytes are told as they are done."""
    (root / "blob").write_bytes(os.urandom(1_000_000))
    told: list[int] = []

    data.commit("blob", root / "blob", progress=told.append)

    assert sum(told) >= 1_000_000


@pytest.mark.parametrize("folder", ["data/manifests/", "data/profiles/"])
@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_store_that_lost_a_record(
    data: Data, objects: Objects, flights: Path, folder: str, content: bytes | None
) -> None:
    """Committing the same again also makes a lost or damaged manifest or profile anew."""
    os.utime(flights, (1_000_000_000, 1_000_000_000))
    data.commit("flights", flights)
    (key,) = [info.key for info in objects.list(folder)]
    objects.delete(key) if content is None else objects.put(key, content)
    assert not data.verify().sound

    assert data.commit("flights", flights).existed
    assert data.verify().sound


def test_many_paths(data: Data, root: Path) -> None:
    """Of very many paths the record names the first ones."""
    for number in range(30):
        (root / f"{number:02d}.bin").write_bytes(b"x")

    version = data.commit("many", sorted(root.glob("*.bin")))

    assert (version.files, len(version.source), version.source[-1]) == (30, 21, "and 10 more")


def test_a_store_that_lost_a_pack(data: Data, objects: Objects, flights: Path) -> None:
    """Committing the same again from a good copy stores what was lost, under the same version."""
    os.utime(flights, (1_000_000_000, 1_000_000_000))
    first = data.commit("flights", flights)
    for info in list(objects.list("data/packs/")):
        objects.delete(info.key)
    assert not data.verify().sound

    again = data.commit("flights", flights)

    assert (again.ref, again.existed) == (first.ref, True)
    assert data.verify().sound
