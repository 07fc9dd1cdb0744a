"""From a URL to a database."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from stackcanvas.backends.database.base import Database
from stackcanvas.errors import BadInput, nearest

# Scheme to the dotted name of the adapter: a client library is imported only when its scheme is used.
SCHEMES: Mapping[str, str] = MappingProxyType(
    {
        "sqlite": "stackcanvas.backends.database.sqlite:SqliteDatabase",
        "postgresql": "stackcanvas.backends.database.postgres:PostgresDatabase",
    }
)


def open_database(url: str, *, busy_s: float = 30.0) -> Database:
    """Open the database of a workspace; a SQLite file or PostgreSQL schema that is missing is made.

    Args:
        url: `sqlite:///path`, or `postgresql://user:password@host:port/database?schema=name`.
        busy_s: how long a writer waits for the others before it gives up.

    Raises:
        BadInput: an unknown scheme, or a URL that its scheme cannot read.
        Unavailable: the database cannot be reached or opened.
        MissingExtra: the client library of the scheme is not installed.
        Corrupt: the file is no database.

    Example:
        >>> import tempfile, pathlib
        >>> from sqlalchemy import text
        >>> folder = tempfile.mkdtemp()
        >>> database = open_database(f"sqlite:///{folder}/metadata.db")
        >>> with database.read() as connection:
        ...     connection.scalar(text("select 1 + 1"))
        2
        >>> database.close()
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in SCHEMES:
        near = nearest(scheme, SCHEMES)
        raise BadInput(
            f"the database URL begins with {scheme!r}" if separator else "the database URL has no scheme",
            expected=" or ".join(f"{known}://" for known in SCHEMES),
            fix=f"Did you mean {near}://?" if separator and near else None,
        )
    module, _, name = SCHEMES[scheme].partition(":")
    adapter = getattr(importlib.import_module(module), name)
    return cast("Database", adapter(url, busy_s=busy_s))
