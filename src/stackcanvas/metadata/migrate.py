"""The schema of a workspace: made whole when it is fresh, told by its version when it is not.

The version stands in the table `stackcanvas_version`, and beside it the oldest version whose code can still work with
these tables. Opening a workspace reads both with one plain query; the migration tool is imported only when there is
something to migrate.

A migration only adds: tables, columns that may be empty, indexes. One that takes away, renames or demands is written
once no release that is in use needs what was there, and names the oldest version that can work with what it leaves:
`oldest = "0007"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, create_mock_engine, inspect, select, text, update
from sqlalchemy.sql.ddl import ExecutableDDLElement

from stackcanvas.backends.database import Database
from stackcanvas.backends.database.sqlite import SqliteDatabase
from stackcanvas.backends.database.types import Text
from stackcanvas.errors import Conflict, Corrupt, Refused

STAMP = "stackcanvas_version"
"""The table that makes a database one of ours."""
_stamp = Table(STAMP, MetaData(), Column("version_num", Text, primary_key=True), Column("oldest", Text))
_OLDEST = re.compile(r'^oldest = "([0-9]{4})"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """What a database says of its tables.

    Args:
        version: of the last migration that they have seen.
        oldest: the oldest version whose code can work with them.
    """

    version: str
    oldest: str


@dataclass(frozen=True, slots=True)
class History:
    """A line of migrations.

    Args:
        folder: holds `versions/`, with one file a migration: `v0001_first_tables.py` and so on.
    """

    folder: Path

    @property
    def version(self) -> str:
        """The last one; versions are numbers of four digits, so that older and newer can be told apart."""
        return max(path.name for path in self._files())[1:5]

    @property
    def oldest(self) -> str:
        """The oldest version whose code can work with the tables of the last one."""
        said = (_OLDEST.search(path.read_text(encoding="utf-8")) for path in self._files())
        return max((found[1] for found in said if found), default="0001")

    def _files(self) -> list[Path]:
        return list((self.folder / "versions").glob("v[0-9]*.py"))


HISTORY = History(Path(__file__).with_name("migrations"))


def prepare(
    database: Database, load: Callable[[], MetaData], *, history: History = HISTORY, exact: bool = False
) -> None:
    """Bring a workspace that is being opened to this version, or say why not.

    A fresh one gets its tables. An older SQLite file is copied beside itself and migrated. A newer one is left as it
    is, as long as this version can work with it. Many processes may do this at once.

    Args:
        load: gives the schema with the tables of all blocks; called only when they must be made.
        exact: refuse a newer one in any case: for what must know every table and column.

    Raises:
        Refused: a newer stackcanvas wrote it and this one cannot work with it, or it is older and on PostgreSQL.
        Conflict: it is not a workspace: it holds other tables.
        Corrupt: its version is not readable.
        Unavailable: the copy before a migration cannot be written.
    """
    with database.read() as connection:
        found = _written(connection, database.url)
    if found is None:
        _create(database, load(), history)
        return
    if found.version > history.version:
        _refuse_newer(database, found, history, exact=exact)
    elif found.version != history.version:
        if database.dialect != "sqlite":
            raise Refused(
                f"the database has version {found.version} and this stackcanvas needs {history.version}",
                where=database.url,
                fix="Run: stackcanvas migrate",
            )
        migrate(database, history=history)


def migrate(database: Database, *, history: History = HISTORY) -> tuple[str, str]:
    """Migrate a workspace to this version; returns the versions before and after, which is newer where it was.

    All of it is one transaction. A SQLite file is first copied to `<name>.<version>.bak` beside it. On PostgreSQL make
    a backup before; releases that know the version that the database then names as the oldest go on working with it.

    Raises:
        Conflict: there is no workspace yet.
        Refused: a newer stackcanvas wrote it, and this one cannot work with it.
    """
    with database.reshape() as tx:
        # Looked up inside the write: another process may have migrated while this one waited.
        found = _written(tx, database.url)
        if found is None:
            raise Conflict(
                "there is no workspace to migrate", where=database.url, fix="Open it once to make its tables"
            )
        if found.version > history.version:
            _refuse_newer(database, found, history)
            return found.version, found.version
        if found.version != history.version:
            if isinstance(database, SqliteDatabase):
                database.copy(database.path.with_name(f"{database.path.name}.{found.version}.bak"))
            run_steps(tx, after=found.version, history=history)
            if "oldest" not in {column["name"] for column in inspect(tx).get_columns(STAMP)}:
                tx.execute(text(f"ALTER TABLE {STAMP} ADD COLUMN oldest TEXT"))
            tx.execute(update(_stamp).values(version_num=history.version, oldest=history.oldest))
    return found.version, history.version


def written(database: Database) -> Written | None:
    """What a database says of its tables; None when nothing at all is in it yet.

    Raises:
        Conflict: other tables are there.
        Corrupt: its version is not readable.
    """
    with database.read() as connection:
        return _written(connection, database.url)


def is_empty(database: Database) -> bool:
    """Whether nothing at all is in the database yet.

    Raises:
        Conflict: other tables are there.
    """
    return written(database) is None


def _written(connection: Connection, where: str) -> Written | None:
    """What the workspace says of its tables, None when it is empty.

    Raises:
        Conflict: other tables are there.
        Corrupt: the version table is not as it was made.
    """
    if connection.dialect.has_table(connection, _stamp.name):
        # One of an earlier release lacks the second column.
        found = connection.execute(select(text("*")).select_from(_stamp)).mappings().all()
        if len(found) != 1:
            broken = f"the table {_stamp.name} holds {len(found)} rows"
            raise Corrupt(broken, where=where, expected="one", fix="Put a backup in its place")
        version = str(found[0]["version_num"])
        return Written(version, str(found[0].get("oldest") or version))
    others = inspect(connection).get_table_names()
    if others:
        raise Conflict(
            f"the database holds other tables ({', '.join(sorted(others)[:5])})",
            where=where,
            expected="an empty database, or one made by stackcanvas",
            fix="Name another file, or another schema with ?schema=NAME",
        )
    return None


def _refuse_newer(database: Database, found: Written, history: History, *, exact: bool = False) -> None:
    """Refuse what this release cannot work with; versions compare as text."""
    if exact or found.oldest > history.version:
        works = "every table must be known here" if exact else f"which works with {found.oldest} and later"
        newer = f"the database was written by a newer stackcanvas: version {found.version}, {works}; this one knows"
        raise Refused(f"{newer} {history.version}", where=database.url, fix="Run: pip install --upgrade stackcanvas")


def _create(database: Database, schema: MetaData, history: History) -> None:
    """Make every table and write the version, unless another process did so first."""
    with database.write() as tx:
        if _written(tx, database.url) is None:
            database.script(tx, _statements(schema, f"{tx.dialect.name}+{tx.dialect.driver}"))
            tx.execute(_stamp.insert().values(version_num=history.version, oldest=history.oldest))


@lru_cache(maxsize=2)
def _statements(schema: MetaData, driver: str) -> tuple[str, ...]:
    """What makes all tables; worded once by each process, however many workspaces it makes."""
    made: list[ExecutableDDLElement] = []
    engine = create_mock_engine(f"{driver}://", lambda ddl, *_, **__: made.append(ddl))
    schema.create_all(engine, checkfirst=False)
    _stamp.metadata.create_all(engine, checkfirst=False)
    return tuple(str(ddl.compile(dialect=engine.dialect)) for ddl in made)


def run_steps(tx: Connection, *, after: str | None, history: History = HISTORY) -> None:
    """Run the migrations after a version, all of them after None, inside the caller's transaction."""
    # Loaded late: a workspace that needs no migration should not wait for the tool.
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    missing = list(ScriptDirectory(str(history.folder)).iterate_revisions(history.version, after))
    with Operations.context(MigrationContext.configure(tx)):
        for step in reversed(missing):
            step.module.upgrade()
