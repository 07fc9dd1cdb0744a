"""Checkout: the files of a version into a folder."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from stackcanvas.canvas.blocks.expectations import Expectations
from stackcanvas.data import Data
from stackcanvas.data.sources import SCRATCH
from stackcanvas.errors import Conflict, Corrupt, NotFound, Refused, Unavailable


def _tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def two(data: Data, root: Path) -> Data:
    """Two versions of `set`: the second has `a` changed, `b/x` gone and `c` new."""
    source = root / "source"
    for path, content in {"a": "1", "b/x": "2", "b/y": "3"}.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(content)
    data.commit("set", source)
    (source / "a").write_text("changed")
    (source / "b" / "x").unlink()
    (source / "c").write_text("4")
    data.commit("set", source)
    return data


_FIRST = {"a": "1", "b/x": "2", "b/y": "3"}
_SECOND = {"a": "changed", "b/y": "3", "c": "4"}


@pytest.mark.parametrize("link", [False, True])
def test_into_a_new_folder(two: Data, tmp_path: Path, *, link: bool) -> None:
    """The folder is made and holds just the version."""
    done = two.checkout("set@1", tmp_path / "deep" / "out", link=link)

    assert _tree(tmp_path / "deep" / "out") == _FIRST
    assert (done.written, done.unchanged, done.removed) == (3, 0, 0)
    assert not (tmp_path / "deep" / "out" / SCRATCH).exists()


@pytest.mark.parametrize("link", [False, True])
def test_from_one_version_to_another(two: Data, root: Path, *, link: bool) -> None:
    """Only what differs is written, what the other version does not have is removed."""
    two.checkout("set@1", root / "out", link=link)
    done = two.checkout("set@2", root / "out", link=link)

    assert _tree(root / "out") == _SECOND
    assert (done.written, done.unchanged, done.removed) == (2, 1, 1)
    two.checkout("set@1", root / "out", link=link)
    assert _tree(root / "out") == _FIRST


def test_copies_may_be_edited(two: Data, tmp_path: Path) -> None:
    """An edited copy changes nothing in the store or the cache."""
    two.checkout("set@1", tmp_path / "out")
    with (tmp_path / "out" / "a").open("a") as file:
        file.write("edited")

    two.checkout("set@1", tmp_path / "again")
    assert _tree(tmp_path / "again") == _FIRST
    assert two.verify().sound


def test_links_are_safe(two: Data, tmp_path: Path) -> None:
    """A linked file is read-only; root, who may write to it all the same, changes no other checkout after this one."""
    two.checkout("set@1", tmp_path / "out", link=True)
    linked = tmp_path / "out" / "a"
    assert linked.stat().st_nlink == 2
    assert linked.stat().st_mode & 0o222 == 0
    linked.chmod(0o644)
    linked.write_text("X")

    two.checkout("set@1", tmp_path / "again", link=True)
    assert _tree(tmp_path / "again") == _FIRST


def test_own_files_are_safe(two: Data, root: Path) -> None:
    """A changed file that no version holds stops the checkout before anything is done."""
    two.checkout("set@1", root / "out")
    (root / "out" / "a").write_text("my work")

    with pytest.raises(Conflict, match="files would be lost that no version holds: a"):
        two.checkout("set@2", root / "out")
    assert _tree(root / "out") == {**_FIRST, "a": "my work"}

    two.checkout("set@2", root / "out", force=True)
    assert _tree(root / "out") == _SECOND


def test_own_files_beside_it_stay(two: Data, root: Path) -> None:
    """Files that the version does not have are left alone, and so is a changed one that is no longer needed."""
    two.checkout("set@1", root / "out")
    (root / "out" / "mine").write_text("mine")
    (root / "out" / "b" / "x").write_text("my work")

    two.checkout("set@2", root / "out")

    assert _tree(root / "out") == {**_SECOND, "mine": "mine", "b/x": "my work"}


def test_links_that_lead_out(two: Data, tmp_path: Path) -> None:
    """Nothing is written outside the folder, however it is prepared."""
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "b").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Conflict, match="leads out"):
        two.checkout("set@1", tmp_path / "out", force=True)
    assert _tree(tmp_path / "elsewhere") == {}

    (tmp_path / "out" / "b").unlink()
    (tmp_path / "elsewhere" / "a").write_text("precious")
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere" / "a")
    with pytest.raises(Conflict, match="not a plain file"):
        two.checkout("set@1", tmp_path / "out", force=True)
    assert _tree(tmp_path / "elsewhere") == {"a": "precious"}


def test_things_in_the_way(two: Data, tmp_path: Path) -> None:
    """A file where a folder should be, a folder where a file should be, a target that is a file."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "b").write_text("a file")
    with pytest.raises(Conflict, match="a file stands where a folder should be"):
        two.checkout("set@1", tmp_path / "one")
    (tmp_path / "two" / "a").mkdir(parents=True)
    with pytest.raises(Conflict, match="not a plain file"):
        two.checkout("set@1", tmp_path / "two")
    (tmp_path / "three").write_text("a file")
    with pytest.raises(Conflict, match="not a folder"):
        two.checkout("set@1", tmp_path / "three")


def test_a_damaged_store(two: Data, tmp_path: Path) -> None:
    """Nothing wrong is ever written: a damaged content stops the checkout."""
    objects = two._parts.objects
    for info in list(objects.list("data/packs/")):
        if info.key.endswith(".pack"):
            objects.put(info.key, bytes(info.size_bytes))

    with pytest.raises(Corrupt):
        two.checkout("set@1", tmp_path / "out")
    assert not (tmp_path / "out").exists() or _tree(tmp_path / "out") == {}


def test_the_lock_file_follows(two: Data, root: Path, tmp_path: Path) -> None:
    """A checkout inside the project is written to `data.lock`, one elsewhere is not."""
    two.checkout("set@1", tmp_path / "elsewhere")
    assert "number: 2" in (root / "data.lock").read_text()

    two.checkout("set@1", root / "out")
    assert "number: 1" in (root / "data.lock").read_text()


def test_a_version_that_is_not(two: Data, tmp_path: Path) -> None:
    """An unknown version makes no folder."""
    with pytest.raises(NotFound):
        two.checkout("set@9", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/version").exists(), reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(two: Data) -> None:
    """What the system refuses is said with its path."""
    with pytest.raises(Unavailable, match="/proc"):
        two.checkout("set@1", "/proc/stackcanvas")


def test_a_new_folder_appears_as_a_whole(data: Data, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout into a new folder that fails leaves no folder; what a killed one left beside it goes with the next."""
    source = root / "source"
    (source / "deep").mkdir(parents=True)
    for number in range(3):
        (source / "deep" / f"{number}").write_bytes(bytes([number]) * 10)
    data.commit("set", source)
    left = root / SCRATCH / "killed.files"
    left.mkdir(parents=True)
    (root / SCRATCH / "killed").touch()

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("stackcanvas.data.filecache._write", fail)
        data.checkout("set", root / "new" / "out")
    assert not (root / "new" / "out").exists()
    (root / "there").mkdir()
    data.checkout("set", root / "there")
    assert not left.exists()
    data.checkout("set", root / "new" / "out")
    assert sorted(path.name for path in (root / "new").rglob("*")) == ["0", "1", "2", "deep", "out"]


def test_what_a_refused_commit_left_is_no_version(data: Data, root: Path) -> None:
    """Work that was refused is in the store, but nobody could ask for it again: it is not overwritten."""
    table = root / "rows" / "a.csv"
    table.parent.mkdir()
    table.write_text("a\n1\n")
    data.commit("rows", table.parent)
    table.write_text("a\n2\n2\n")
    with pytest.raises(Refused):
        data.commit("rows", table.parent, expect=Expectations(unique=(("a",),)))

    with pytest.raises(Conflict, match=r"no version holds: a\.csv"):
        data.checkout("rows@1")
    assert table.read_text() == "a\n2\n2\n"


def test_what_another_data_set_holds(two: Data, root: Path) -> None:
    """A file that a version of another data set holds may go; when that version is given up, it may not."""
    two.checkout("set@1", root / "out")
    (root / "out" / "a").write_text("elsewhere")
    two.commit("other", root / "out" / "a")
    two.checkout("set@2", root / "out")
    assert _tree(root / "out") == _SECOND

    (root / "out" / "a").write_text("elsewhere")
    (root / "more").write_text("more")
    two.commit("other", root / "more")
    two.forget("other@1")
    with pytest.raises(Conflict, match="no version holds: a"):
        two.checkout("set@1", root / "out")


def test_some_files_of_a_version(two: Data, root: Path) -> None:
    """By path, folder or pattern; what else lies there, and what is noted of the place, stays as it is."""
    two.checkout("set@2", root / "out")
    noted = (root / "data.lock").read_text()

    done = two.checkout("set@1", root / "out", only=["b", "a"])
    assert (done.written, done.unchanged, done.removed) == (2, 1, 0)
    assert _tree(root / "out") == {**_FIRST, "c": "4"}
    assert (root / "data.lock").read_text() == noted

    two.checkout("set@1", root / "some", only="*/x")
    assert _tree(root / "some") == {"b/x": "2"}
    with pytest.raises(NotFound, match="There is no file 'b/z'") as raised:
        two.checkout("set@1", root / "none", only=["a", "b/z"])
    assert "Did you mean" in str(raised.value)
    assert not (root / "none").exists()


def test_some_files_do_not_undo_work(two: Data, root: Path) -> None:
    """A file that no version holds is safe from a checkout of some, too."""
    two.checkout("set@2", root / "out")
    (root / "out" / "a").write_text("my work")

    with pytest.raises(Conflict, match="no version holds: a"):
        two.checkout("set@1", root / "out", only="a")


def test_an_empty_file_does_not_cut_off_its_neighbour(data: Data, root: Path, tmp_path: Path) -> None:
    """It lies in the pack where the next content begins, whatever the order in which the two are read."""
    folder = root / "set"
    folder.mkdir()
    large = random.Random(0).randbytes(1000)
    for first, second in ((b"", large), (large, b"")):
        (folder / "a").write_bytes(first)
        (folder / "b").write_bytes(second)
        data.commit("set", folder)

    for number, wanted in ((1, [b"", large]), (2, [large, b""])):
        out = tmp_path / f"out{number}"
        data.checkout(f"set@{number}", out)
        assert [(out / name).read_bytes() for name in "ab"] == wanted
