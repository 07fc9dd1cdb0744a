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

# What records name by themselves, and the state of the stack: neither is code.
EXCLUDED = (":(exclude)data.lock", ":(exclude).stackcanvas")

_LARGEST_FILE_BYTES = 1 << 20
_LARGEST_BYTES = 16 << 20
_STRAIGHT = ("--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")


@dataclass(frozen=True, slots=True)
class Changes:
    """In what a work tree differs from its commit.

    Args:
        patch: for `git apply`, from the top of the repository; new files are part of it.
        left_out: new files that are too large for a patch, or `.` when the whole patch is.
    """

    patch: bytes
    left_out: tuple[str, ...] = ()


def changes(root: Path) -> Changes | None:
    """What git would lose if the project's folder were checked out anew; None when nothing differs.

    The repository itself stays as it is: new files are named in a copy of its index only.
    """
    listed = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", ".", *EXCLUDED)
    if listed is None:
        return None
    new = [name for name in listed.split(b"\0") if name]
    small = [name for name in new if _size(root, name) <= _LARGEST_FILE_BYTES]
    left_out = sorted(os.fsdecode(name) for name in set(new) - set(small))
    index = _git(root, "rev-parse", "--git-path", "index")
    with tempfile.TemporaryDirectory(prefix="stackcanvas-") as folder:
        copy = Path(folder) / "index"
        there = root / os.fsdecode((index or b"").rstrip(b"\n"))
        if there.is_file():
            shutil.copy2(there, copy)
        surroundings = {**os.environ, "GIT_INDEX_FILE": str(copy), "GIT_OPTIONAL_LOCKS": "0"}
        if small:
            literal = {**surroundings, "GIT_LITERAL_PATHSPECS": "1"}
            words = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
            _git(root, *words, given=b"\0".join(small), surroundings=literal)
        patch = _git(root, "diff", *_STRAIGHT, "HEAD", "--", ".", *EXCLUDED, surroundings=surroundings)
    if patch is None or not (patch or left_out):
        return None
    return Changes(patch, tuple(left_out)) if len(patch) <= _LARGEST_BYTES else Changes(b"", (".",))


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
