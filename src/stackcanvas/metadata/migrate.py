"""The schema of a workspace: made whole when it is fresh, told by its version when it is not.

The version stands in the table `stackcanvas_version`. Opening a workspace reads it with one plain query; the migration
tool is imported only when there is something to migrate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, inspect, select, update

from stackcanvas.backends.database import Database
from stackcanvas.backends.database.sqlite import SqliteDatabase
from stackcanvas.backends.database.types import Text
from stackcanvas.errors import Conflict, Corrupt, Refused

STAMP = "stackcanvas_version"
"""The table that makes a database one of ours."""
_stamp = Table(STAMP, MetaData(), Column("version_num", Text, primary_key=True))


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
        return max(path.name for path in (self.folder / "versions").glob("v[0-9]*.py"))[1:5]


HISTORY = History(Path(__file__).with_name("migrations"))


def prepare(database: Database, load: Callable[[], MetaData], *, history: History = HISTORY) -> None:
    """Bring a workspace that is being opened to this version, or say why not.

    A fresh one gets its tables. An older SQLite file is copied beside itself and migrated. Many processes may do this
    at once.

    Args:
        load: gives the schema with the tables of all blocks; called only when they must be made.

    Raises:
        Refused: it was written by a newer stackcanvas, or it is older and on PostgreSQL.
        Conflict: it is not a workspace: it holds other tables.
        Corrupt: its version is not readable.
        Unavailable: the copy before a migration cannot be written.
    """
    with database.read() as connection:
        found = _version(connection, database.url)
    if found is None:
        _create(database, load(), history.version)
        return
    if found != history.version:
        _refuse_newer(database, found, history)
        if database.dialect != "sqlite":
            raise Refused(
                f"the database has version {found} and this stackcanvas needs {history.version}",
                where=database.url,
                fix="Run: stackcanvas migrate",
            )
        migrate(database, history=history)


def migrate(database: Database, *, history: History = HISTORY) -> tuple[str, str]:
    """Migrate a workspace to this version; returns the versions before and after.

    All of it is one transaction. A SQLite file is first copied to `<name>.<version>.bak` beside it. On PostgreSQL make
    a backup before; the release before this one goes on working with the new tables.

    Raises:
        Conflict: there is no workspace yet.
        Refused: it was written by a newer stackcanvas.
    """
    with database.reshape() as tx:
        # Looked up inside the write: another process may have migrated while this one waited.
        found = _version(tx, database.url)
        if found is None:
            raise Conflict(
                "there is no workspace to migrate", where=database.url, fix="Open it once to make its tables"
            )
        if found != history.version:
            _refuse_newer(database, found, history)
            if isinstance(database, SqliteDatabase):
                database.copy(database.path.with_name(f"{database.path.name}.{found}.bak"))
            run_steps(tx, after=found, history=history)
            tx.execute(update(_stamp).values(version_num=history.version))
    return found, history.version


def is_empty(database: Database) -> bool:
    """Whether nothing at all is in the database yet.

    Raises:
        Conflict: other tables are there.
    """
    with database.read() as connection:
        return _version(connection, database.url) is None


def _version(connection: Connection, where: str) -> str | None:
    """The version of the workspace, None when it is empty.

    Raises:
        Conflict: other tables are there.
        Corrupt: the version table is not as it was made.
    """
    if connection.dialect.has_table(connection, _stamp.name):
        found = connection.scalars(select(_stamp.c.version_num)).all()
        if len(found) != 1:
            broken = f"the table {_stamp.name} holds {len(found)} rows"
            raise Corrupt(broken, where=where, expected="one", fix="Put a backup in its place")
        return str(found[0])
    others = inspect(connection).get_table_names()
    if others:
        raise Conflict(
            f"the database holds other tables ({', '.join(sorted(others)[:5])})",
            where=where,
            expected="an empty database, or one made by stackcanvas",
            fix="Name another file, or another schema with ?schema=NAME",
        )
    return None


def _refuse_newer(database: Database, found: str, history: History) -> None:
    """Refuse what this release does not know; versions compare as text."""
    if found > history.version:
        newer = f"the database was written by a newer stackcanvas: version {found}, this one knows {history.version}"
        raise Refused(newer, where=database.url, fix="Run: pip install --upgrade stackcanvas")


def _create(database: Database, schema: MetaData, version: str) -> None:
    """Make every table and write the version, unless another process did so first."""
    with database.write() as tx:
        if _version(tx, database.url) is None:
            schema.create_all(tx, checkfirst=False)
            _stamp.create(tx)
            tx.execute(_stamp.insert().values(version_num=version))


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
