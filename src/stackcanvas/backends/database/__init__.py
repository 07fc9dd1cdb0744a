"""The relational store: `open_database` gives SQLite or PostgreSQL behind one port."""

from stackcanvas.backends.database import types
from stackcanvas.backends.database.base import Database, Schemas
from stackcanvas.backends.database.listed import OfMany
from stackcanvas.backends.database.open import SCHEMES, open_database
from stackcanvas.backends.database.pool import checked
from stackcanvas.backends.database.ready import Ready
from stackcanvas.backends.database.statements import ascending, descending

__all__ = [
    "SCHEMES",
    "Database",
    "OfMany",
    "Ready",
    "Schemas",
    "ascending",
    "checked",
    "descending",
    "open_database",
    "types",
]
