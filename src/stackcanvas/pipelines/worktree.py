"""Work trees: the code of a commit in a folder of its own, so that triggered runs never execute what somebody edits."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from stackcanvas.errors import NotFound, Unavailable
from stackcanvas.foundations.submodules import fill

_READY = ".ready"
_FETCH = "Fetch the branch that has it; after a rebase or a squash it may be gone for good"


class Worktrees:
    """The work trees of a project.

    Args:
        root: the project's folder; the repository may begin above it.
        folder: where the work trees lie.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder

    def head(self) -> str | None:
        """The commit that triggered runs execute now; None outside a repository or before the first commit."""
        said = self._git("rev-parse", "--verify", "--quiet", "HEAD")
        return said.stdout.strip() if said is not None and said.returncode == 0 else None

    def at(self, commit: str) -> Path:
        """The project's folder as it was at a commit; the work tree is made when it is not there.

        Raises:
            NotFound: the repository does not have the commit.
            Unavailable: git cannot make the work tree.
        """
        tree = self._folder / commit
        with self._locked():
            # A tree that a killed process left half made has no mark.
            if not self._mark(commit).exists():
                self._make(commit, tree)
            self._mark(commit).touch()
        return tree / self._inside()

    def prune(self, keep: Collection[str], *, unused_s: float = 3600.0) -> list[str]:
        """Remove the work trees of other commits that nobody has asked for in a while; gives what was removed."""
        if not self._folder.is_dir():
            return []
        before = time.time() - unused_s
        with self._locked():
            found = [path.name for path in self._folder.iterdir() if path.is_dir() and path.name not in keep]
            unused = [commit for commit in found if self._asked_for_s(commit) <= before]
            for commit in unused:
                self._remove(commit, self._folder / commit)
        return sorted(unused)

    def _make(self, commit: str, tree: Path) -> None:
        if not commit.isalnum():  # anything else could be read as an option
            raise NotFound("commit", commit)
        self._remove(commit, tree)
        said = self._git("worktree", "add", "--detach", "--force", str(tree), commit)
        if said is None:
            raise Unavailable("git is not installed", fix="Install git; triggered runs execute commits")
        if said.returncode != 0:
            known = self._git("cat-file", "-e", f"{commit}^{{commit}}")
            if known is not None and known.returncode != 0:
                raise NotFound("commit", commit, where=str(self._root), fix=_FETCH)
            reason = said.stderr.strip().splitlines()[-1:] or ["git gave no reason"]
            raise Unavailable(f"git cannot make a work tree of {commit[:12]} ({reason[0]})", where=str(tree))
        top = self._git("rev-parse", "--show-toplevel")
        if top is not None and top.returncode == 0:
            fill(Path(top.stdout.rstrip("\n")), commit, tree)

    def _remove(self, commit: str, tree: Path) -> None:
        self._mark(commit).unlink(missing_ok=True)
        self._git("worktree", "remove", "--force", "--force", str(tree))
        shutil.rmtree(tree, ignore_errors=True)
        self._git("worktree", "prune")

    def _inside(self) -> str:
        said = self._git("rev-parse", "--show-prefix")
        return said.stdout.strip() if said is not None else ""

    def _mark(self, commit: str) -> Path:
        return self._folder / f"{commit}{_READY}"

    def _asked_for_s(self, commit: str) -> float:
        try:
            return self._mark(commit).stat().st_mtime
        except FileNotFoundError:  # half made by a process that was killed
            return 0.0

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str] | None:
        """What git says; None where there is no git."""
        command = ["git", "-C", str(self._root), *arguments]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, errors="replace")
        except FileNotFoundError:
            return None
        except subprocess.TimeoutExpired as error:
            raise Unavailable("git did not answer within 300 s", where=str(self._root)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
