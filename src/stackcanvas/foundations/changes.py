"""The uncommitted changes of a project as a patch: with its commit, the code that ran."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stackcanvas.errors import Unavailable
from stackcanvas.foundations.submodules import present

# What records name by themselves, and the state of the stack: neither is code.
EXCLUDED = (":(exclude)data.lock", ":(exclude).stackcanvas")

_LARGEST_FILE_BYTES = 1 << 20
_LARGEST_BYTES = 16 << 20
_STRAIGHT = ("--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")


@dataclass(frozen=True, slots=True)
class Changes:
    """In what a work tree differs from its commit.

    Args:
        patch: for `git apply`, from the top of the repository; new files are part of it.
        left_out: new files that are too large for a patch, submodules at a commit that cannot be compared with the
            recorded one, or `.` when the whole patch is too large.
    """

    patch: bytes
    left_out: tuple[str, ...] = ()


def changes(root: Path) -> Changes | None:
    """What git would lose if the project's folder were checked out anew; None when nothing differs.

    The files of submodules count like the project's own. The repository itself stays as it is: new files are named in
    a copy of its index only.
    """
    found = _differing(root, "HEAD", repository="")
    if found is None or not (found.patch or found.left_out):
        return None
    return found if len(found.patch) <= _LARGEST_BYTES else Changes(b"", (".",))


def _differing(root: Path, commit: str, *, repository: str) -> Changes | None:
    """In what a folder differs from a commit of its repository; None when git does not have the commit.

    Args:
        repository: where its top lies in the outermost repository, with a slash at the end.
    """
    listed = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", ".", *EXCLUDED)
    prefix = _git(root, "rev-parse", "--show-prefix")
    if listed is None or prefix is None:
        return None
    new = [name for name in listed.split(b"\0") if name]
    small = [name for name in new if _size(root, name) <= _LARGEST_FILE_BYTES]
    left_out = sorted(os.fsdecode(name) for name in set(new) - set(small))
    patch = _patch(root, commit, small, repository=repository)
    if patch is None:
        return None
    inside = repository + os.fsdecode(prefix.rstrip(b"\n"))
    for path, wanted in present(root).items():
        below = _differing(root / path, wanted, repository=f"{inside}{path}/")
        if below is None:
            left_out.append(path)
        else:
            patch += below.patch
            left_out += [f"{path}/{name}" for name in below.left_out]
    return Changes(patch, tuple(left_out))


def _patch(root: Path, commit: str, new: list[bytes], *, repository: str) -> bytes | None:
    """The difference to a commit, with new files; None when git does not have the commit."""
    index = _git(root, "rev-parse", "--git-path", "index")
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as folder:
        copy = Path(folder) / "index"
        there = root / os.fsdecode((index or b"").rstrip(b"\n"))
        if there.is_file():
            shutil.copy2(there, copy)
        surroundings = {**os.environ, "GIT_INDEX_FILE": str(copy), "GIT_OPTIONAL_LOCKS": "0"}
        if new:
            literal = {**surroundings, "GIT_LITERAL_PATHSPECS": "1"}
            words = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
            _git(root, *words, given=b"\0".join(new), surroundings=literal)
        places = (f"--src-prefix=a/{repository}", f"--dst-prefix=b/{repository}")
        return _git(root, "diff", *_STRAIGHT, *places, commit, "--", ".", *EXCLUDED, surroundings=surroundings)


def _size(root: Path, name: bytes) -> int:
    try:
        return (root / os.fsdecode(name)).lstat().st_size
    except OSError:  # gone since it was listed
        return 0


def _git(
    root: Path, *words: str, given: bytes | None = None, surroundings: Mapping[str, str] | None = None
) -> bytes | None:
    """What git prints, None when it says no."""
    command = ["git", "-C", str(root), *words]
    try:
        said = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60, env=surroundings)
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise Unavailable("git did not answer within 60 s", where=str(root)) from error
    return said.stdout if said.returncode == 0 else None
