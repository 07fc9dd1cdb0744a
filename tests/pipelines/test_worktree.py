from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackcanvas.errors import NotFound
from stackcanvas.pipelines import Worktrees


def git(folder: Path, *words: str) -> str:
    """What git says."""
    options = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", "-C", str(folder), *options, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose project lies in a folder of it."""
    project = tmp_path / "repository" / "projects" / "delay"
    project.mkdir(parents=True)
    git(tmp_path / "repository", "init", "--quiet")
    (project / "pipelines.py").write_text("old = 1\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "First")
    return project


@pytest.fixture
def worktrees(repository: Path, tmp_path: Path) -> Worktrees:
    """Its work trees."""
    return Worktrees(repository, tmp_path / "worktrees")


def test_a_commit_has_a_folder_of_its_own(repository: Path, worktrees: Worktrees) -> None:
    """What is edited meanwhile does not reach it; it is made once."""
    commit = str(worktrees.head())
    (repository / "pipelines.py").write_text("new = 1\n")

    folder = worktrees.at(commit)

    assert (folder / "pipelines.py").read_text() == "old = 1\n"
    assert folder.name == "delay"
    (folder / "made").touch()
    assert (worktrees.at(commit) / "made").exists()
    assert git(repository, "status", "--porcelain") == "M projects/delay/pipelines.py"


def test_a_folder_that_was_left_half_made_is_made_again(worktrees: Worktrees, tmp_path: Path) -> None:
    """As a killed process leaves it."""
    commit = str(worktrees.head())
    folder = worktrees.at(commit)
    (folder / "pipelines.py").unlink()
    (tmp_path / "worktrees" / f"{commit}.ready").unlink()

    assert (worktrees.at(commit) / "pipelines.py").exists()


def test_unused_folders_are_removed(repository: Path, worktrees: Worktrees) -> None:
    """Those of other commits, when nobody asked for them in a while."""
    first = str(worktrees.head())
    folder = worktrees.at(first)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Second")
    second = str(worktrees.head())
    worktrees.at(second)

    assert worktrees.prune({second}) == []
    assert worktrees.prune({first}, unused_s=-1) == [second]
    assert worktrees.prune({second}, unused_s=-1) == [first]
    assert not folder.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert (worktrees.at(first) / "pipelines.py").exists()


def test_submodules_are_there(repository: Path, worktrees: Worktrees, tmp_path: Path) -> None:
    """Taken from the project's own; one whose commit is gone is told."""
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    (library / "code.py").write_text("one = 1\n")
    git(library, "add", ".")
    git(library, "commit", "--quiet", "-m", "Code")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "library")
    git(repository, "commit", "--quiet", "-m", "A library")
    commit = str(worktrees.head())
    (repository / "library" / "code.py").write_text("edited = 1\n")

    assert (worktrees.at(commit) / "library" / "code.py").read_text() == "one = 1\n"

    git(repository, "update-index", "--cacheinfo", f"160000,{'e' * 40},projects/delay/library")
    git(repository, "commit", "--quiet", "-m", "A commit that nobody has")
    with pytest.raises(NotFound, match="submodule update"):
        worktrees.at(str(worktrees.head()))


def test_an_unknown_commit_is_not_found(worktrees: Worktrees) -> None:
    """Nor is what could be an option of git."""
    for commit in ("f" * 40, "--help", "HEAD~1"):
        with pytest.raises(NotFound):
            worktrees.at(commit)


def test_outside_a_repository_there_is_no_head(tmp_path: Path) -> None:
    """Nor before the first commit."""
    assert Worktrees(tmp_path, tmp_path / "trees").head() is None
    git(tmp_path, "init", "--quiet")
    assert Worktrees(tmp_path, tmp_path / "trees").head() is None
    assert Worktrees(tmp_path, tmp_path / "trees").prune(set()) == []
