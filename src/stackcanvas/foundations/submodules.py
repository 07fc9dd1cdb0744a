"""Submodules: where they lie in a repository, and their code at a commit as plain files."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from stackcanvas.errors import NotFound, Unavailable

_SUBMODULE = b"160000"


def recorded(repository: Path, commit: str) -> dict[str, str]:
    """The submodules that a commit names: path from the top -> their commit.

    Args:
        repository: the top of a work tree.
    """
    listed = _git(repository, "ls-tree", "-r", "-z", commit)
    return dict(_entry(line) for line in listed.split(b"\0") if line.startswith(_SUBMODULE))


def present(folder: Path) -> dict[str, str]:
    """The submodules below a folder that are there to work with: path from the folder -> the commit in the index."""
    listed = _git(folder, "ls-files", "--stage", "-z", "--", ".")
    found = dict(_entry(line) for line in listed.split(b"\0") if line.startswith(_SUBMODULE))
    return {path: commit for path, commit in found.items() if (folder / path / ".git").exists()}


def fill(repository: Path, commit: str, folder: Path) -> None:
    """Put the files of the submodules of a commit, and of theirs, into a folder that holds the rest of its files.

    They come from the repository's own submodules: nothing is fetched. One that is not there stays an empty folder,
    as git leaves it.

    Raises:
        NotFound: a submodule does not have the commit any more.
    """
    for path, wanted in recorded(repository, commit).items():
        source, target = repository / path, folder / path
        if not (source / ".git").exists():
            continue
        if not _git(source, "cat-file", "-t", wanted):
            raise NotFound("commit", wanted, where=path, fix=f"Fetch it: git submodule update {path}")
        with tempfile.TemporaryDirectory(prefix="stackcanvas-") as aside:
            surroundings = {"GIT_INDEX_FILE": str(Path(aside) / "index")}
            _git(source, "read-tree", wanted, **surroundings)
            _git(source, "checkout-index", "--all", "--force", f"--prefix={target.resolve()}/", **surroundings)
        fill(source, wanted, target)


def _entry(line: bytes) -> tuple[str, str]:
    facts, _, path = line.partition(b"\t")
    # `ls-tree` says mode, kind and hash, `ls-files` mode, hash and stage.
    words = facts.decode().split()
    return os.fsdecode(path), words[2] if words[1] == "commit" else words[1]


def _git(folder: Path, *words: str, **surroundings: str) -> bytes:
    """What git prints; nothing when it says no."""
    command = ["git", "-C", str(folder), *words]
    try:
        said = subprocess.run(
            command, capture_output=True, check=False, timeout=300, env={**os.environ, **surroundings}
        )
    except FileNotFoundError:
        return b""
    except subprocess.TimeoutExpired as error:
        raise Unavailable("git did not answer within 300 s", where=str(folder)) from error
    return said.stdout if said.returncode == 0 else b""
