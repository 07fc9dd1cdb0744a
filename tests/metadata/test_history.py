"""The migrations and the tables that the blocks declare are the same schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect

from stackcanvas.backends.database import Database, open_database, types
from stackcanvas.metadata.migrate import HISTORY, run_steps
from stackcanvas.metadata.migrations.draft import takes_away
from stackcanvas.stack.tables import load


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two empty databases of one kind."""
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("made", "migrated")]
    else:
        url = request.getfixturevalue("postgres_url")
        urls = [url, f"{url}_migrated"]
    one, other = (open_database(url) for url in urls)
    yield one, other
    if request.param == "postgresql":
        with other.write() as tx:
            tx.exec_driver_sql(f"DROP SCHEMA {urls[1].partition('schema=')[2]} CASCADE")
    one.close()
    other.close()


def test_all_migrations_give_the_tables_of_the_blocks(empty_pair: tuple[Database, Database]) -> None:
    """A database that came all the way is the same as one made today.

    When this fails, a block's tables have changed: write the next migration with `metadata/migrations/draft.py`.
    """
    made, migrated = empty_pair
    with made.write() as tx:
        load().create_all(tx)
        wanted = _described(tx)
    with migrated.reshape() as tx:
        run_steps(tx, after=None)
        found = _described(tx)

    assert found == wanted


def test_the_migrations_are_one_line() -> None:
    """Each follows the one before it, by number."""
    steps = list(ScriptDirectory(str(HISTORY.folder)).walk_revisions())[::-1]
    files = sorted(path.name for path in (HISTORY.folder / "versions").glob("v[0-9]*.py"))

    assert [step.revision for step in steps] == [f"{number:04}" for number in range(1, len(steps) + 1)]
    assert [step.down_revision for step in steps] == [None, *[step.revision for step in steps[:-1]]]
    assert [name[1:5] for name in files] == [step.revision for step in steps]
    assert steps[-1].revision == HISTORY.version


def test_a_migration_that_takes_away_names_who_can_work_with_it() -> None:
    """Otherwise a release that needs what is gone would open the database."""
    found = {path.name: path.read_text() for path in (HISTORY.folder / "versions").glob("v[0-9]*.py")}
    silent = [
        name
        for name, code in found.items()
        if takes_away(code) and not re.search(r'^oldest = "\d{4}"$', code, re.MULTILINE)
    ]

    assert silent == []
    assert HISTORY.oldest <= HISTORY.version


def test_columns_have_portable_types() -> None:
    """A block's column keeps its values on every database only when its type is one of ours."""
    schema: MetaData = load()
    ours = {kind for kind in vars(types).values() if isinstance(kind, type) and kind.__module__ == types.__name__}

    strange = [
        str(column) for table in schema.tables.values() for column in table.columns if type(column.type) not in ours
    ]

    assert schema.tables
    assert strange == []


def _described(connection: Connection) -> dict[str, Any]:
    """All that the database itself knows of its tables."""
    inspector = inspect(connection)
    return {
        name: {
            "columns": {column["name"]: _column(column, connection) for column in inspector.get_columns(name)},
            "key": inspector.get_pk_constraint(name),
            "parents": sorted(inspector.get_foreign_keys(name), key=repr),
            "uniques": sorted(inspector.get_unique_constraints(name), key=repr),
            "checks": sorted(inspector.get_check_constraints(name), key=repr),
            "indexes": sorted((_index(dict(one)) for one in inspector.get_indexes(name)), key=repr),
            "options": inspector.get_table_options(name),
        }
        for name in inspector.get_table_names()
    }


def _index(index: dict[str, Any]) -> dict[str, Any]:
    return {**index, "dialect_options": {name: str(value) for name, value in index["dialect_options"].items()}}


def _column(column: Any, connection: Connection) -> tuple[Any, ...]:
    return column["type"].compile(connection.dialect), column["nullable"], column["default"], column.get("identity")
