"""Who did it: the name that stands in every record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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


_coding: ContextVar[CodeState | None] = ContextVar("stackcanvas_code", default=None)
_acting: ContextVar[Actor | None] = ContextVar("stackcanvas_actor", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Make somebody the actor of all that is done in the block of code, as a server does for who asked.

    Example:
        >>> with acting(Actor("ada", verified=True)):
        ...     actor_or(Actor("process")).name
        'ada'
    """
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def actor_or(own: Actor) -> Actor:
    """Who acts in this context; the process's own actor where nobody was named."""
    return _acting.get() or own


@contextmanager
def coding(code: CodeState) -> Iterator[None]:
    """Make a state of the code that of all that is done in the block of code: that of the client who asked."""
    token = _coding.set(code)
    try:
        yield
    finally:
        _coding.reset(token)


def code_or(own: Callable[[], CodeState]) -> CodeState:
    """Which code is at work in this context; the process's own where nobody said."""
    return _coding.get() or own()
