"""Tokens of a project's stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.metadata.tokens import Tokens

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Tokens:
    """Who may ask the stack's server."""
    return Tokens(stack.spine)
