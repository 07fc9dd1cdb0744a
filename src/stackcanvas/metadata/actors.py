"""Who did it: the name that stands in every record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a program.

    Args:
        name: a token's name, a git identity or a system user.
        verified: whether the stack itself made sure of it; approvals take verified actors only.
    """

    name: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class CodeState:
    """The code that ran.

    Args:
        commit: the git commit, None outside a repository.
        dirty: whether the work tree differed from that commit.
    """

    commit: str | None = None
    dirty: bool = False
