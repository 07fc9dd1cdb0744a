"""What a commit is given."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data.ignored import Ignored
from stackcanvas.data.sources.files import SCRATCH, as_paths, gather
from stackcanvas.errors import BadInput, Conflict, NotFound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files `a.csv`, `b-c`, `b/d` and `b/e/f`."""
    for path in ("a.csv", "b/d", "b/e/f", "b-c"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


def _paths(*roots: Path) -> list[str]:
    return [path for path, _ in gather(roots).files]


def test_one_file_is_known_by_its_name(folder: Path) -> None:
    """Where it lies does not matter."""
    assert _paths(folder / "b" / "e" / "f") == ["f"]


def test_a_folder(folder: Path) -> None:
    """Its files are known by their paths in it, sorted by bytes; each has its size."""
    found = gather([folder])

    assert [path for path, _ in found.files] == ["a.csv", "b-c", "b/d", "b/e/f"]
    assert [file.size_bytes for _, file in found.files] == [5, 3, 3, 5]
    assert found.folder == folder


def test_several_paths(folder: Path) -> None:
    """Several are known from the folder that holds all of them; one that is named twice counts once."""
    assert _paths(folder / "b", folder / "a.csv", folder / "a.csv") == ["a.csv", "b/d", "b/e/f"]
    assert _paths(folder / "b" / "d", folder / "b" / "e" / "f") == ["d", "e/f"]
    assert _paths(folder, folder / "b") == ["a.csv", "b-c", "b/d", "b/e/f"]


def test_relative_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths may be relative and wander about."""
    monkeypatch.chdir(folder / "b")

    assert _paths(Path("../b/./e")) == ["f"]


def test_what_is_missing(folder: Path) -> None:
    """A path that does not exist is named, with the nearest one that does."""
    with pytest.raises(NotFound, match=r"Did you mean '.*a\.csv'"):
        gather([folder / "a.cvs"])


def test_no_files(tmp_path: Path) -> None:
    """A folder without files is refused."""
    (tmp_path / "empty" / "inner").mkdir(parents=True)

    with pytest.raises(BadInput, match="no files"):
        gather([tmp_path / "empty"])


def test_links(folder: Path) -> None:
    """A link to a file is that file; a broken one and one to a folder are refused with their names."""
    (folder / "link").symlink_to(folder / "a.csv")
    assert "link" in _paths(folder)

    (folder / "loop").symlink_to(folder)
    with pytest.raises(BadInput, match="loop: a link to a folder"):
        gather([folder])

    (folder / "loop").unlink()
    (folder / "broken").symlink_to(folder / "nothing")
    with pytest.raises(BadInput, match="broken: the link leads nowhere"):
        gather([folder])


def test_a_link_to_itself(folder: Path) -> None:
    """A link that goes round in a circle leads nowhere."""
    (folder / "circle").symlink_to(folder / "circle")

    with pytest.raises(BadInput, match="circle: the link leads nowhere"):
        gather([folder])


def test_a_name_that_no_file_can_have() -> None:
    """A NUL character is said, not passed on to the system."""
    with pytest.raises(BadInput, match="holds a NUL"):
        gather([Path("a\0b")])


def test_folders_without_end(folder: Path) -> None:
    """Folders that lie in each other hundreds deep are refused with their place."""
    (folder / Path(*["x"] * 250)).mkdir(parents=True)

    with pytest.raises(BadInput, match="x/x: folders lie in each other more than 200 deep"):
        gather([folder])


def test_files_that_go_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is gone while others are listed is somebody at work, not a path that was never there."""
    listed = os.scandir

    def scandir(path: str) -> object:
        if path == str(folder / "b" / "e"):
            (folder / "b" / "e" / "f").unlink()
            (folder / "b" / "e").rmdir()
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(Conflict, match="removed while they were being listed"):
        gather([folder])


def test_what_is_left_out(folder: Path) -> None:
    """What the project leaves out is not listed, except where a file is named itself; git and the stack never are."""
    for path in (".git/config", ".stackcanvas/metadata.db", "b/.git/config", "b/x.tmp"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    ignored = Ignored(folder, ["*.tmp", "/b/e/"])

    assert [path for path, _ in gather([folder], ignored=ignored).files] == ["a.csv", "b-c", "b/d"]
    assert [path for path, _ in gather([folder / "b" / "x.tmp"], ignored=ignored).files] == ["x.tmp"]
    assert _paths(folder) == ["a.csv", "b-c", "b/d", "b/e/f", "b/x.tmp"]


def test_what_is_no_file(folder: Path) -> None:
    """A pipe is refused, not waited for."""
    os.mkfifo(folder / "pipe")

    with pytest.raises(BadInput, match="neither a file nor a folder"):
        gather([folder])
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        gather([folder / "pipe"])


def test_names_that_are_not_utf8(folder: Path) -> None:
    """A name that no other machine could read is refused."""
    (folder / os.fsdecode(b"caf\xe9")).write_text("")

    with pytest.raises(BadInput, match="not UTF-8"):
        gather([folder])


def test_what_a_checkout_left(folder: Path) -> None:
    """The folder of a checkout that was killed is not part of the data."""
    (folder / SCRATCH).mkdir()
    (folder / SCRATCH / "0").write_text("half")

    assert _paths(folder) == ["a.csv", "b-c", "b/d", "b/e/f"]


def test_paths_and_other_things() -> None:
    """Paths are told from rows."""
    assert as_paths("a") == [Path("a")]
    assert as_paths([Path("a"), "b"]) == [Path("a"), Path("b")]
    assert as_paths([]) is None
    assert as_paths(["a", 1]) is None
    assert as_paths(pl.DataFrame({"a": [1]})) is None
