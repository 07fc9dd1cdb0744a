"""Ingest: from where data come from to a new version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stackcanvas.canvas.urls import Url
from stackcanvas.data.commit import commit
from stackcanvas.data.drafts import Wish
from stackcanvas.data.parts import Parts
from stackcanvas.data.sources import delta, sql, web
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput

_WEB, _STORES = {"http", "https"}, {"s3", "gs", "az"}
_OTHERS = {"hdfs", "abfss", "kafka", "duckdb"}
_DELTA = re.compile(r"delta://(?P<table>.+?)(@(?P<version>\d+))?")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a data set comes from.

    Args:
        url: a path, or an address with its secrets.
        query: for a database, a SELECT statement or the name of a table.
    """

    url: str
    query: str | None = None


def ingest(parts: Parts, source: Source, wish: Wish) -> DataVersion:
    """Read a source and commit what it gives; see `Data.ingest`."""
    address = Url(source.url, role="source")
    scheme = address.scheme
    if address.path is not None:
        return commit(parts, parts.root / address.path, wish)
    shown = replace(wish, origin=str(address))
    if scheme == "delta":
        found = _DELTA.fullmatch(source.url)
        if found is None:
            raise BadInput("the address names no Delta table", expected="delta://PATH, or delta://PATH@VERSION")
        path = found["table"]
        table = path if "://" in path else str(parts.root / path)
        version = None if found["version"] is None else int(found["version"])
        return commit(parts, delta.pin(table, version), shown)
    if scheme in _WEB:
        with parts.scratch.room() as room, _placed(room, str(address)):
            return commit(parts, web.download(source.url, room, shown=str(address), advance=_quiet), shown)
    if scheme in _STORES:
        with parts.scratch.room() as room, _placed(room, str(address)):
            return commit(parts, list(web.fetch(source.url, room, advance=_quiet)), shown)
    if scheme in _OTHERS:
        raise BadInput(f"{scheme}: is read by other tools", expected="files or rows from them: stackcanvas data commit")
    if not source.query:
        raise BadInput(
            "a database has many tables",
            expected="a SELECT statement or the name of a table",
            fix="Give it with --query, or as `query` of the source in canvas.yaml",
        )
    with sql.rows(_located(source.url, parts.root), source.query, scratch=parts.scratch) as rows:
        return commit(parts, rows, shown)


@contextmanager
def _placed(room: Path, address: str) -> Iterator[None]:
    """What is wrong with a file is said with the address that it came from, not with where it was put meanwhile."""
    try:
        yield
    except BadInput as error:
        if not (error.where or "").startswith(f"{room}/"):
            raise
        where = f"{address}, {str(error.where).removeprefix(f'{room}/')}"
        raise BadInput(error.what, where=where, expected=error.expected, fix=error.fix) from None


def _quiet(_: int) -> None:
    """The commit tells of the same bytes."""


def _located(url: str, root: Path) -> str:
    """A file of SQLite from the project's folder."""
    scheme, _, path = url.partition(":///")
    return f"{scheme}:///{root / path}" if scheme == "sqlite" else url
