"""Git is read as it is, and a folder without it is no error."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stackcanvas.errors import NotFound
from stackcanvas.foundations import Git


def _git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    _git(tmp_path, "init", "--initial-branch=main")
    (tmp_path / "features.py").write_text("a = 1\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-m", "Begin")
    return tmp_path


def test_a_clean_commit_is_read(repository: Path) -> None:
    """The current commit has a hash, an author, a time and a subject."""
    git = Git(repository)

    head = git.head()

    assert head is not None
    assert len(head) == 40
    assert not git.dirty()
    assert git.branch() == "main"
    assert [(commit.digest, commit.author, commit.subject) for commit in git.log()] == [
        (head, "Ada <ada@example.org>", "Begin")
    ]
    assert git.commit(head) == git.log()[0]


def test_a_changed_or_new_file_makes_it_dirty_and_an_ignored_one_does_not(repository: Path) -> None:
    """What git would commit counts, what it ignores does not."""
    (repository / ".gitignore").write_text(".stackcanvas/\n")
    _git(repository, "add", ".")
    _git(repository, "commit", "-m", "Ignore")
    (repository / ".stackcanvas").mkdir()
    (repository / ".stackcanvas" / "metadata.db").write_text("x")
    git = Git(repository)
    assert not git.dirty()

    (repository / "pipelines.py").write_text("b = 2\n")

    assert git.dirty()


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    """Nothing is claimed of code that no repository keeps."""
    git = Git(tmp_path)

    assert (git.head(), git.branch(), git.dirty(), git.log()) == (None, None, False, [])


@pytest.mark.parametrize("digest", ["0" * 40, "--output=x", "main; ls"])
def test_an_unknown_commit_is_not_found(repository: Path, digest: str) -> None:
    """A hash that is not there, or text that is no hash, is a clear no."""
    with pytest.raises(NotFound):
        Git(repository).commit(digest)
