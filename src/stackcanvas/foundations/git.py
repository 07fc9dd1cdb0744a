"""Git, read only: which commit the code is at, and who is at work."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stackcanvas.errors import NotFound, Unavailable
from stackcanvas.foundations.changes import EXCLUDED, Changes, changes

_FIELDS = "%H%x1f%an <%ae>%x1f%ct%x1f%s"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the code base.

    Args:
        digest: the full hash.
        author: name and address.
        time: when it was committed.
        subject: first line of the message.
    """

    digest: str
    author: str
    time: datetime
    subject: str


class Git:
    """The repository that a project lies in, if it lies in one.

    Args:
        root: the project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def head(self) -> str | None:
        """The hash of the current commit, None outside a repository or before the first commit."""
        return self._ask("rev-parse", "--verify", "--quiet", "HEAD")

    def dirty(self) -> bool:
        """Whether the code differs from the current commit; what git ignores does not count, nor does `data.lock`.

        The lock names data versions, which every record names by itself.
        """
        return bool(self._ask("status", "--porcelain", "--untracked-files=normal", "--", ".", *EXCLUDED))

    def changes(self) -> Changes | None:
        """In what the code differs from the current commit, as a patch; None when it does not."""
        return changes(self._root)

    def identity(self) -> str | None:
        """Who git says is at work, as `name <address>`."""
        name, address = self._ask("config", "user.name"), self._ask("config", "user.email")
        return f"{name} <{address}>" if name and address else name or address

    def branch(self) -> str | None:
        """The current branch, None when none is checked out."""
        return self._ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def log(self, *, limit: int = 20) -> list[Commit]:
        """The last commits that changed the project's folder, newest first."""
        said = self._ask("log", f"--max-count={limit}", f"--format={_FIELDS}", "--", ".")
        return [_commit(line) for line in said.splitlines()] if said else []

    def commit(self, digest: str) -> Commit:
        """One commit by its hash.

        Raises:
            NotFound: the repository does not have it.
        """
        # A hash only: anything else could be read as an option.
        known = digest.isalnum() and self._ask("log", "--max-count=1", f"--format={_FIELDS}", digest)
        if not known:
            raise NotFound("commit", digest)
        return _commit(known)

    def content(self, revision: str, name: str) -> str | None:
        """A file of the project's folder as it was at a revision; None where there is no such revision or file."""
        if "\0" in revision:
            return None
        digest = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return None if digest is None else self._ask("show", f"{digest}:./{name}")

    def history(self, patterns: Sequence[str], *, revision: str = "HEAD") -> list[Commit]:
        """The commits up to a revision that changed files of these patterns, the oldest first.

        Raises:
            NotFound: there is no such revision.
        """
        digest = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if digest is None:
            raise NotFound("revision", revision, where=str(self._root))
        said = self._ask("log", "--topo-order", "--reverse", f"--format={_FIELDS}", digest, "--", *patterns)
        # A subject may hold any other character that ends a line.
        return [_commit(line) for line in said.split("\n")] if said else []

    def listing(self, digest: str) -> dict[str, str]:
        """The files of a commit: path to the hash of the content."""
        said = self._ask("ls-tree", "-r", "-z", digest) or ""
        found = (line.partition("\t") for line in said.split("\0") if line)
        return {path: facts.split()[2] for facts, _, path in found}

    def text(self, blob: str) -> str:
        """A content by its hash."""
        return self._ask("cat-file", "blob", blob) or ""

    def tags(self) -> dict[str, str]:
        """Every tag, with the commit that it stands for."""
        said = (
            self._ask("for-each-ref", "--format=%(refname:short)%1f%(*objectname)%1f%(objectname)", "refs/tags") or ""
        )
        found = (line.split("\x1f") for line in said.splitlines())
        return {name: behind or direct for name, behind, direct in found}

    def _ask(self, *arguments: str) -> str | None:
        """What git prints, None when it says no."""
        command = ["git", "-C", str(self._root), *arguments]
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, errors="replace")
        except FileNotFoundError:
            return None
        except subprocess.TimeoutExpired as error:
            raise Unavailable("git did not answer within 30 s", where=str(self._root)) from error
        return said.stdout.strip() if said.returncode == 0 else None


def _commit(line: str) -> Commit:
    digest, author, seconds_s, subject = line.split("\x1f", 3)
    return Commit(digest, author, datetime.fromtimestamp(int(seconds_s), UTC), subject)
