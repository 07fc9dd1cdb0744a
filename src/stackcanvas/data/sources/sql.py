"""Rows of a database, by SQLAlchemy, in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from stackcanvas.backends.files import Scratch
from stackcanvas.errors import BadInput, MissingExtra, NotFound, Unavailable
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_BATCH_ROWS = 100_000
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.$]*")
_COLON = re.compile(r":(?=\w)")
_EXACT = 1 << 53  # up to here every whole number is a float, too
_DRIVERS = {"postgresql": "postgresql+psycopg"}


@contextmanager
def rows(url: str, query: str, *, scratch: Scratch) -> Iterator[pl.LazyFrame]:
    """The rows that a statement gives, or those of a table; nothing is ever written to the database.

    Args:
        url: of the database, secrets included; never shown.
        query: a SELECT statement, or the name of a table.
        scratch: for the rows on their way.

    Raises:
        NotFound: there is no such file of SQLite.
        BadInput: the statement fails or would write, or a column has values of several types.
        Unavailable: the database does not answer, or its driver is not installed.
    """
    statement = f"select * from {query}" if _TABLE.fullmatch(query.strip()) else query  # noqa: S608 - the user's own
    scheme, _, rest = url.partition("://")
    if not statement.strip():
        raise BadInput("the statement is empty", expected="a SELECT statement, or the name of a table")
    with scratch.room() as room, _connected(f"{_DRIVERS.get(scheme, scheme)}://{rest}", scheme) as connection:
        paths: list[Path] = []
        try:
            streamed = connection.execution_options(stream_results=True, max_row_buffer=_BATCH_ROWS)
            for batch in _batches(streamed.execute(_text(statement))):
                paths.append(room / f"{len(paths):08}.parquet")
                batch.write_parquet(paths[-1], compression="uncompressed")
        except sa.exc.SQLAlchemyError as error:
            raise BadInput(f"the database refuses the statement: {_said(error)}", where=scheme) from None
        except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
            raise BadInput(f"the rows cannot be read as a table: {error}", where=scheme) from None
        yield _joined(paths)


@contextmanager
def _connected(url: str, scheme: str) -> Iterator[sa.Connection]:
    try:
        engine = sa.create_engine(url)
    except ModuleNotFoundError as error:
        if scheme == "postgresql":
            raise MissingExtra("PostgreSQL", "postgres") from None
        raise Unavailable(
            f"the driver of {scheme} is not installed ({error.name})", fix=f"Run: pip install {error.name}"
        ) from None
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError):
        raise BadInput(f"the address of the database cannot be read by SQLAlchemy ({scheme})") from None
    if engine.dialect.name == "sqlite" and engine.url.database and not Path(engine.url.database).is_file():
        raise NotFound("database", engine.url.database)
    try:
        with engine.connect() as connection:
            yield _reading(connection)
    except sa.exc.DBAPIError as error:
        raise Unavailable(f"the database does not answer: {_said(error)}", where=scheme) from None
    finally:
        engine.dispose()


def _reading(connection: sa.Connection) -> sa.Connection:
    """The connection, in which the database itself refuses to write, where it can."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma query_only = on")
    return connection.execution_options(postgresql_readonly=True)


def _text(statement: str) -> sa.TextClause:
    """A statement in which a colon is a colon, and no place for a parameter."""
    return sa.text(_COLON.sub(r"\:", statement))


def _batches(result: sa.CursorResult[Any]) -> Iterator[pl.DataFrame]:
    """The rows, part by part; first a part without rows, which tells the columns."""
    if not result.returns_rows:
        raise BadInput("the statement gives no rows", expected="a SELECT statement, or the name of a table")
    names = list(result.keys())
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"two columns are called {twice[0]!r}", fix="Name one of them anew: ... as other")
    yield pl.DataFrame(schema=dict.fromkeys(names, pl.Null))
    for rows in result.partitions(_BATCH_ROWS):
        frame = pl.DataFrame([tuple(row) for row in rows], schema=names, orient="row", infer_schema_length=None)
        for number, (name, kind) in enumerate(frame.schema.items()):
            if kind.is_float() and any(isinstance(row[number], int) and abs(row[number]) > _EXACT for row in rows):
                raise _rounded(name)
        yield frame


def _joined(paths: list[Path]) -> pl.LazyFrame:
    """The batches under each other: a column that holds only nulls in one has its type from another."""
    frames = [pl.scan_parquet(path, glob=False, hive_partitioning=False) for path in paths]
    kinds: dict[str, pl.DataType] = {}
    for frame in frames:
        for name, kind in frame.collect_schema().items():
            before = kinds.setdefault(name, kind)
            if kind in {before, pl.Null}:
                continue
            if before == pl.Null or (before.is_integer() and kind.is_float()):
                kinds[name] = kind
            elif not (before.is_float() and kind.is_integer()):
                raise BadInput(
                    f"the column {name!r} holds values of several types: {before} and {kind}",
                    fix="Convert it in the statement: cast(... as ...)",
                )
    for frame in frames:
        for name, kind in frame.collect_schema().items():
            if kind.is_integer() and kinds[name].is_float():
                beyond = frame.filter((pl.col(name) > _EXACT) | (pl.col(name) < -_EXACT))
                if beyond.head(1).collect().height:
                    raise _rounded(name)
    known = {name: pl.String() if kind == pl.Null else kind for name, kind in kinds.items()}
    return pl.concat([frame.cast(pl.Schema(known)) for frame in frames])


def _rounded(name: str) -> BadInput:
    return BadInput(
        f"the column {name!r} holds fractions beside whole numbers so large that they would be rounded",
        fix="Convert it in the statement: cast(... as text)",
    )


def _said(error: sa.exc.SQLAlchemyError) -> str:
    """What the database says, without the statement and its address."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().splitlines()[0].rstrip(".")
