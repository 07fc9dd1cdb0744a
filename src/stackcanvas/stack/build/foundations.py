"""The foundations of a project: its repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.foundations import Git

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Git:
    """The repository that the project lies in."""
    return Git(stack.root)
