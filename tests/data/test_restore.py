"""What follows a `git checkout`: the data that `data.lock` names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.data import Data
from stackcanvas.errors import Conflict, NotFound


@pytest.fixture
def git(root: Path) -> Callable[..., str]:
    """Runs git in the project."""

    def run(*arguments: str) -> str:
        who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        who |= {f"GIT_{role}_{fact}": "ada@x" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=root, check=False, capture_output=True, text=True, env={**os.environ, **who}
        )
        return done.stdout + done.stderr

    run("init", "-q", "-b", "main")
    (root / ".gitignore").write_text("data/\n")
    return run


def _write(root: Path, text: str) -> Path:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "flights.csv").write_text(f"id,fare\n1,{text}\n")
    return root / "data" / "flights.csv"


def test_git_checkout_and_data_checkout(data: Data, root: Path, git: Callable[..., str]) -> None:
    """Each commit of the code has its data: both are there again after two commands."""
    for text in ("1.5", "2.5"):
        data.commit("flights", _write(root, text))
        git("add", ".")
        git("commit", "-q", "-m", text)

    git("checkout", "-q", "HEAD~1")
    (done,) = data.restore()
    assert (root / "data" / "flights.csv").read_text() == "id,fare\n1,1.5\n"
    assert (str(done.version), done.said) == ("data:flights@1", "")
    assert git("status", "--porcelain") == ""
    git("checkout", "-q", "main")
    data.restore()
    assert (root / "data" / "flights.csv").read_text() == "id,fare\n1,2.5\n"


@pytest.mark.parametrize("what", ["file", "folder", "several"])
def test_in_a_fresh_clone(data: Data, make_data: Callable[..., Data], root: Path, tmp_path: Path, what: str) -> None:
    """Where nothing is known of places on this disk, files come back to where they were committed from."""
    _write(root, "1.5")
    (root / "data" / "b.txt").write_text("b")
    paths = {
        "file": root / "data" / "flights.csv",
        "folder": root / "data",
        "several": [root / "data" / "flights.csv", root / "data" / "b.txt"],
    }
    data.commit("set", paths[what])
    before = {path: path.read_bytes() for path in (root / "data").iterdir()}
    fresh = make_data("fresh")
    (root / "data" / "flights.csv").unlink()
    if what != "file":
        (root / "data" / "b.txt").unlink()

    fresh.restore()

    assert {path: path.read_bytes() for path in (root / "data").iterdir()} == before


def test_a_version_that_is_not_here(data: Data, root: Path) -> None:
    """It is named with the command that brings it."""
    (root / "data.lock").write_text(f"flights: {{number: 4, digest: {'ab' * 32}}}\n")

    with pytest.raises(NotFound, match=r"flights abab.*data pull --locked"):
        data.restore()


def test_a_version_with_another_number_here(data: Data, root: Path) -> None:
    """The digest tells which one it is, and the line of the lock file stays as it was."""
    data.commit("flights", _write(root, "1.5"))
    digest = data.get("flights").digest
    (root / "data.lock").write_text(f"flights: {{number: 7, digest: {digest}}}\n")

    (done,) = data.restore(["flights"])

    assert str(done.version) == "data:flights@1"
    assert (root / "data.lock").read_text() == f"flights: {{number: 7, digest: {digest}}}\n"


def test_what_has_no_place(data: Data, root: Path, tmp_path: Path) -> None:
    """Rows, and files from outside the project, are told and left."""
    (tmp_path / "far.csv").write_text("x\n1\n")
    data.commit("far", tmp_path / "far.csv")
    data.commit("rows", pl.DataFrame({"x": [1]}))

    said = {one.name: one.said for one in data.restore()}

    assert "name a folder" in said["far"]
    assert "rows" in said["rows"]
    with pytest.raises(NotFound, match=r"data\.lock"):
        data.restore(["nothing"])


def test_own_changes_are_safe(data: Data, root: Path) -> None:
    """A file that no version holds stops it."""
    data.commit("flights", _write(root, "1.5"))
    _write(root, "mine")

    with pytest.raises(Conflict, match="would be lost"):
        data.restore()

    assert (root / "data" / "flights.csv").read_text().endswith("mine\n")
    data.restore(force=True)
    assert (root / "data" / "flights.csv").read_text().endswith("1.5\n")


def test_a_merge_conflict_is_explained(data: Data, root: Path, git: Callable[..., str]) -> None:
    """A real merge that git could not make: each data set is named with its version on both sides."""
    data.commit("flights", _write(root, "1.5"))
    git("add", ".")
    git("commit", "-q", "-m", "start")
    git("checkout", "-q", "-b", "winter")
    data.commit("flights", _write(root, "2.5"))
    git("commit", "-q", "-am", "winter")
    git("checkout", "-q", "main")
    data.restore()
    data.commit("flights", _write(root, "3.5"))
    git("commit", "-q", "-am", "summer")
    git("merge", "winter")
    winter, summer = data.get("flights@2"), data.get("flights@3")

    for verb in (data.status, data.restore, lambda: data.commit("x", _write(root, "9"))):
        with pytest.raises(Conflict) as caught:
            verb()
        said = str(caught.value)
        assert (
            f"flights is version 3 ({summer.digest[:8]}) in HEAD and version 2 ({winter.digest[:8]}) in winter" in said
        )
        assert "stackcanvas data checkout" in said

    git("checkout", "--theirs", "data.lock")
    data.restore(force=True)  # over the file whose commit was refused
    assert (root / "data" / "flights.csv").read_text().endswith("2.5\n")


def test_links_can_be_made_own_files(data: Data, root: Path) -> None:
    """After a detach the files may be edited, and nothing else changes with them."""
    folder = root / "images"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}").write_bytes(bytes([number]) * 1000)
    data.commit("images", folder)
    data.checkout("images", root / "one", link=True)
    data.checkout("images", root / "two", link=True)
    assert (root / "two" / "1").stat().st_nlink == 3

    assert data.detach("images") == 3
    assert data.detach("images") == 0
    (root / "two" / "1").write_bytes(b"mine")

    assert (root / "one" / "1").read_bytes() == b"\1" * 1000
    assert [one.changed for one in data.status()] == [("1",)]
    data.checkout("images", root / "three", link=True)
    assert (root / "three" / "1").read_bytes() == b"\1" * 1000
    with pytest.raises(NotFound):
        data.detach("nothing")


def test_an_edit_through_a_link_spoils_nothing(data: Data, root: Path) -> None:
    """Someone who may write anything writes into a linked file: the next checkout brings the true content."""
    (root / "x").write_bytes(b"x" * 1000)
    data.commit("x", root / "x")
    data.checkout("x", root / "one", link=True)
    (root / "one" / "x").chmod(0o644)
    (root / "one" / "x").write_bytes(b"y" * 1000)

    data.checkout("x", root / "two", link=True)

    assert (root / "two" / "x").read_bytes() == b"x" * 1000
    assert data.verify().sound
