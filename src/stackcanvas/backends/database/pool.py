"""What both adapters need: children that leave the parent's connections alone, one write a thread, checked writes."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import Pool

from stackcanvas.backends.database.base import Database
from stackcanvas.errors import Usage

# Closing a connection that a parent opened would end it for the parent too, and SQLite would let go of the parent's
# locks. The child keeps them here, unused, until it ends.
_inherited: list[Pool | Connection] = []
_engines: weakref.WeakKeyDictionary[Engine, list[Connection]] = weakref.WeakKeyDictionary()


def forget_after_fork(engine: Engine, kept: list[Connection] | None = None) -> None:
    """Give the engine an empty pool in every child that this process forks, and forget connections kept beside it."""
    _engines[engine] = [] if kept is None else kept


def _forget() -> None:
    for engine, kept in _engines.items():
        _inherited.extend((engine.pool, *kept))
        kept.clear()
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Turn(threading.local):
    """Refuses a second write inside the first, which would wait for itself until its time was over."""

    _open = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold this thread's turn.

        Raises:
            Usage: this thread holds it already.
        """
        if self._open:
            raise Usage("this thread has a write open already", fix="Pass the open connection on")
        self._open = True
        try:
            yield
        finally:
            self._open = False


_checks: ContextVar[tuple[tuple[Database, Callable[[Connection], None]], ...]] = ContextVar("checks", default=())


@contextmanager
def checked(database: Database, check: Callable[[Connection], None]) -> Iterator[None]:
    """Call `check` at the beginning of each write to a database in a block of code; what it raises ends the write."""
    token = _checks.set((*_checks.get(), (database, check)))
    try:
        yield
    finally:
        _checks.reset(token)


def check_write(database: Database, connection: Connection) -> None:
    """Call the checks that hold here for a database."""
    for checked_database, check in _checks.get():
        if checked_database is database:
            check(connection)
