"""Queries for what belongs to many things at once, however many: their ids are one value of one statement."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, Text, any_, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler

from stackcanvas.backends.database.ready import Ready


class OfMany:
    """A query that is put together once and asked for many ids, which else would be a value each.

    Args:
        chosen: gives the rows of all.
        owner: the column with the id of what a row belongs to.
    """

    def __init__(self, chosen: Select[Any], owner: ColumnElement[str]) -> None:
        self._ready = Ready(chosen.where(_Among(owner)), ("ids",))

    def all(self, connection: Connection, ids: Iterable[str]) -> list[tuple[Any, ...]]:
        """The rows that belong to any of these."""
        return self._ready.all(connection, {"ids": json.dumps(list(ids))})


class _Among(ColumnElement[bool]):
    """Whether a column is one of the texts of a JSON array."""

    inherit_cache = False
    ids = bindparam("ids", type_=Text)

    def __init__(self, owner: ColumnElement[str]) -> None:
        self.owner = owner


@compiles(_Among, "sqlite")
def _in_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    found = func.json_each(element.ids).table_valued("value")
    return compiler.process(element.owner.in_(select(found.c.value)), **options)


@compiles(_Among, "postgresql")
def _in_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    found = func.jsonb_array_elements_text(cast(element.ids, JSONB)).column_valued()
    # An array: of rows it would expect a hundred, and read a whole table to find what belongs to one.
    return compiler.process(element.owner == any_(func.array(select(found).scalar_subquery())), **options)
