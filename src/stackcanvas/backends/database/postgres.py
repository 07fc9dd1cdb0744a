"""The grown-up database: one schema of a PostgreSQL server, over psycopg 3."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from typing import Any, cast

from sqlalchemy import URL, BinaryExpression, ColumnElement, Connection, Row, Table, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

from stackcanvas.backends.database.base import Database, Schemas
from stackcanvas.backends.database.pool import Turn, check_write, forget_after_fork
from stackcanvas.backends.database.statements import bulk_columns, bulk_tuples, claim_candidates, claim_rows
from stackcanvas.errors import BadInput, Corrupt, MissingExtra, Refused, StackCanvasError, Unavailable, Usage

try:
    import psycopg
except ImportError as error:
    raise MissingExtra("PostgreSQL", "postgres") from error

_SCHEMA = re.compile(r"[a-z_][a-z0-9_.-]{0,62}")
_IDLE_IN_WRITE_S = 120
_POOL = {"pool_size": 5, "max_overflow": 15, "pool_timeout": 30, "pool_pre_ping": True}

# Of libpq, where the URL does not say otherwise: a server that no longer answers is noticed in seconds, not in the
# quarter of an hour after which the system gives a connection up.
_NETWORK = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}

# SQLSTATE, or its first two characters for a whole class, to what happened and what mends it.
_REASONS = {
    "08": ("the connection to PostgreSQL failed", "Check that the server runs, and the user and password of the URL"),
    "53100": ("the disk of PostgreSQL is full, nothing was written", "Free some space and try again"),
    "53": ("PostgreSQL is out of resources", "Look into the server's log"),
    "57": ("PostgreSQL ended the connection", "Try again when the server runs"),
    "25P03": ("a write was left open for too long and PostgreSQL ended it", "Keep writes short"),
    "58": ("PostgreSQL cannot read or write its files", "Look into the server's log"),
}


class PostgresDatabase:
    """A workspace in one PostgreSQL schema, made when it is missing.

    Isolation: a write takes one advisory lock of its schema first and then works under READ COMMITTED, where each
    statement sees all that is committed. So writers of a workspace follow one another, as on SQLite, and what a write
    has read stays true until it commits. SERIALIZABLE would let writers overlap, but ends them with errors that only
    the caller of the block can repeat; code that is right on SQLite would then fail here, under load only. A read is
    REPEATABLE READ and read-only: one moment of the database, and no lock.

    Args:
        url: `postgresql://user:password@host:port/database?schema=name`; the schema is `public` when none is named,
            all other options go to libpq (`sslmode`, `host` for a socket, ...).
        busy_s: how long a writer waits for the others.

    Raises:
        BadInput: the URL cannot be read, or the database does not store UTF-8.
        Unavailable: the server cannot be reached, or refuses.
    """

    dialect = "postgresql"

    def __init__(self, url: str, *, busy_s: float = 30.0) -> None:
        target, self.schema = _parsed(url)
        self._password = target.password or ""
        self.url = _masked(url, self._password)
        self._where = _masked(target.set(drivername="postgresql").render_as_string(hide_password=True), self._password)
        self._given = url
        self._busy_s = busy_s
        self._enter(self.schema)
        network = {name: value for name, value in _NETWORK.items() if name not in target.query}
        self._engine = create_engine(target, connect_args=network, **_POOL)
        self._engine.dialect.statement_compiler = _Compiler
        # First of all listeners: SQLAlchemy asks for the name of the default schema when it connects.
        event.listen(self._engine, "connect", self._prepare, insert=True)
        event.listen(self._engine, "handle_error", self._translate)
        forget_after_fork(self._engine)
        self._readers = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writers = self._engine.execution_options(isolation_level="READ COMMITTED")
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _enter(self, schema: str, *, borrowed: bool = False) -> None:
        """Work in a schema; over connections that are another one's, each transaction says so by itself."""
        self.schema = schema
        self._turn = Turn()
        # One lock number for each schema; advisory locks know nothing of other databases of the server.
        digest = hashlib.blake2b(f"stackcanvas {schema}".encode(), digest_size=8).digest()
        self._lock = int.from_bytes(digest, signed=True)
        self._path = f"set_config('search_path', '\"{schema}\"', true)" if borrowed else ""

    def beside(self, schema: str, *, make: bool = False) -> PostgresDatabase:
        """Another schema of the same database, over the same connections; `close` leaves these to their owner."""
        other = copy(self)
        other._enter(schema, borrowed=True)  # noqa: SLF001 - of its own class
        other.url = f"{self._where}, schema {schema}"
        if make:
            with other.write() as connection:
                connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        return other

    def address(self, schema: str) -> str:
        """The URL of another schema, password and all."""
        base, _, query = self._given.partition("?")
        kept = [part for part in query.split("&") if part and not part.startswith("schema=")]
        return f"{base}?{'&'.join([*kept, f'schema={schema}'])}"

    def schemas(self, start: str, table: str) -> list[str]:
        """The schemas whose name begins like this and that have a table."""
        look = (
            "SELECT nspname FROM pg_namespace JOIN pg_class ON relnamespace = pg_namespace.oid"
            " WHERE relname = %s AND relkind = 'r' AND left(nspname, %s) = %s"
        )
        with self.read() as connection:
            return list(connection.exec_driver_sql(look, (table, len(start), start)).scalars())

    def number(self, schema: str, table: str) -> int | None:
        """The number of a table of another schema, which no table made later has; None where there is none."""
        look = (
            "SELECT pg_class.oid::bigint FROM pg_namespace JOIN pg_class ON relnamespace = pg_namespace.oid"
            " WHERE relname = %s AND relkind = 'r' AND nspname = %s"
        )
        with self.read() as connection:
            found: int | None = connection.exec_driver_sql(look, (table, schema)).scalar_one_or_none()
            return found

    def drop(self, schema: str) -> None:
        """Remove another schema with everything in it, if it is there."""
        with self.beside(schema).write() as connection:
            connection.exec_driver_sql(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database and cannot write."""
        with self._readers.begin() as connection:
            if self._path:
                connection.exec_driver_sql(f"SELECT {self._path}")
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction with the right to write; `durable=False` does not wait for the server's log."""
        with self._turn.taken(), self._writers.begin() as connection:
            fast = "" if durable else ", set_config('synchronous_commit', 'off', true)"
            path = f", {self._path}" if self._path else ""
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self._lock}){fast}{path}")
            check_write(self, connection)
            yield connection

    def reshape(self) -> AbstractContextManager[Connection]:
        """A plain write: PostgreSQL changes tables in place, under their foreign keys."""
        return self.write()

    def insert(self, table: Table) -> Insert:
        """The dialect's own INSERT."""
        # The two dialects' classes are the same in what the port promises.
        return cast("Insert", insert(table))

    def script(self, connection: Connection, statements: Sequence[str]) -> None:
        """Execute statements without values, all in one round trip."""
        driver = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
        try:
            driver.execute(";\n".join(statements).encode())
        except psycopg.Error as error:
            raise self._sentence(error) or error from error

    def bulk(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert many rows by COPY."""
        if not rows:
            return
        columns = bulk_columns(table, rows)
        quote = connection.dialect.identifier_preparer
        names = ", ".join(quote.format_column(column) for column in columns)
        statement = f"COPY {quote.format_table(table)} ({names}) FROM STDIN"
        driver = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
        try:
            with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                for values in bulk_tuples(connection, columns, rows):
                    copy.write_row(values)
        except psycopg.IntegrityError as error:
            raise IntegrityError(statement, None, error) from error
        except psycopg.Error as error:
            raise self._sentence(error) or error from error

    def claim(
        self,
        connection: Connection,
        table: Table,
        *,
        where: ColumnElement[bool],
        order_by: Sequence[ColumnElement[Any]],
        values: Mapping[str, object],
        limit: int = 1,
    ) -> list[Row[Any]]:
        """Lock the first rows that match, passing over those another transaction holds, and mark them."""
        candidates = claim_candidates(table, where=where, order_by=order_by, limit=limit)
        return claim_rows(connection, table, candidates.with_for_update(skip_locked=True), values)

    def close(self) -> None:
        """Close every idle connection."""
        if not self._path:
            self._engine.dispose()

    def _check(self) -> None:
        """Connect once, so that a wrong URL is reported now, and make the schema when it is missing."""
        with self.read() as connection:
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
            # A search path passes over a schema that may not be used without a word.
            look = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = %s"
            usable = connection.exec_driver_sql(look, (self.schema,)).scalar_one_or_none()
        if encoding != "UTF8":
            raise BadInput(
                f"the database stores text as {encoding}",
                where=self._where,
                expected="UTF8",
                fix="Make it anew: createdb --encoding=UTF8 --template=template0 NAME",
            )
        if usable is False:
            fix = f"As its owner: GRANT USAGE ON SCHEMA {self.schema} TO the user"
            raise Refused(f"the user may not use the schema {self.schema}", where=self._where, fix=fix)
        if usable is None:
            # Inside the lock: two sessions that make the same schema at once would clash.
            with self.write() as connection:
                connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')

    def _prepare(self, connection: psycopg.Connection[Any], _record: ConnectionPoolEntry) -> None:
        """Set a new connection up."""
        connection.autocommit = True
        connection.execute(
            "SELECT set_config('search_path', %s, false), set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (f'"{self.schema}"', str(int(self._busy_s * 1000)), str(_IDLE_IN_WRITE_S * 1000)),
        )
        connection.autocommit = False

    def _translate(self, context: ExceptionContext) -> None:
        """Say what a user can do about an error of the driver."""
        if context.is_pre_ping:
            return  # the pool asks whether an idle connection still lives, and replaces it when it does not
        error = context.original_exception
        if isinstance(error, psycopg.ProgrammingError) and context.connection is None:
            raise BadInput(f"the database URL cannot be used: {self._said(error)}", where=self._where) from error
        if isinstance(error, psycopg.Error):
            translated = self._sentence(error)
            if translated is not None:
                raise translated from error

    def _sentence(self, error: psycopg.Error) -> StackCanvasError | None:
        """The error for a user, or None when it is a mistake of the caller."""
        state = error.sqlstate or ("08" if isinstance(error, psycopg.OperationalError) else "")
        said = self._said(error)
        if state == "55P03":
            waited = f"another process has been writing to the database for more than {self._busy_s:g} s"
            return Unavailable(waited, where=self._where, fix="Try again, or end the process that holds it")
        if state == "25006":
            return Usage("this connection is for reading only", fix="Write inside `with database.write()`")
        if state == "42501":
            return Refused(f"PostgreSQL says: {said}", where=self._where, fix="Grant the right to this user")
        if state in {"XX001", "XX002"}:
            return Corrupt(f"PostgreSQL says: {said}", where=self._where, fix="Put a backup in its place")
        reason, fix = _REASONS.get(state) or _REASONS.get(state[:2]) or (None, None)
        return Unavailable(f"{reason} ({said})", where=self._where, fix=fix) if reason else None

    def _said(self, error: psycopg.Error) -> str:
        """The first line of the driver's message."""
        return _masked(str(error).strip().partition("\n")[0], self._password)


class _Compiler(PGCompiler_psycopg):
    """A backslash in a pattern is a plain character, as on SQLite, unless the statement names an escape."""

    def visit_like_op_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return f"{super().visit_like_op_binary(binary, operator, **kw)}{_no_escape(binary)}"  # type: ignore[no-untyped-call]

    def visit_not_like_op_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return f"{super().visit_not_like_op_binary(binary, operator, **kw)}{_no_escape(binary)}"  # type: ignore[no-untyped-call]

    def visit_ilike_op_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return f"{super().visit_ilike_op_binary(binary, operator, **kw)}{_no_escape(binary)}"  # type: ignore[no-untyped-call]

    def visit_not_ilike_op_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return f"{super().visit_not_ilike_op_binary(binary, operator, **kw)}{_no_escape(binary)}"  # type: ignore[no-untyped-call]


def _no_escape(binary: BinaryExpression[Any]) -> str:
    return "" if binary.modifiers.get("escape") else " ESCAPE ''"


def _parsed(url: str) -> tuple[URL, str]:
    """The URL for the driver, and the schema it names."""
    try:
        given = make_url(url)
    except (ArgumentError, ValueError):
        # The driver's own message would repeat the URL, password and all.
        raise BadInput(
            "the database URL cannot be read", expected="postgresql://user:password@host:port/database?schema=name"
        ) from None
    query = dict(given.query)
    # SQLAlchemy drops an option without a value; here it may be a variable that was not set.
    schema = query.pop("schema", "" if re.search(r"[?&]schema=", url) else "public")
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema):
        raise BadInput(
            f"the database URL names the schema {schema!r}",
            expected="one name of small letters, digits and _ . -, 63 at most",
        )
    password = query.pop("password", given.password)
    return given.set(drivername="postgresql+psycopg", query=query, password=cast("str | None", password)), schema


def _masked(text: str, password: str) -> str:
    """The text without the password."""
    return text.replace(password, "***") if password else text


def _satisfies(database: PostgresDatabase) -> tuple[Database, Schemas]:
    return database, database
