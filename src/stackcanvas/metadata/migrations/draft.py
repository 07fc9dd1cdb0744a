"""Writes the next migration: what differs between the history so far and the tables that the blocks declare.

    python -m stackcanvas.metadata.migrations.draft stackcanvas.stack.tables:load "runs have tags"

A draft is read and corrected by a person: a renamed column, for one, looks like one dropped and one added. With
`--replace` the last migration is written anew; for one that no release has shipped.
"""

from __future__ import annotations

import importlib
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData
from sqlalchemy.types import TypeEngine

from stackcanvas.backends.database import open_database
from stackcanvas.backends.database.sqlite import sqlite_url
from stackcanvas.metadata.migrate import HISTORY, History, run_steps

_FILE = '''"""{message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stackcanvas.backends.database import types

revision = "{revision}"
down_revision = {before}
{oldest}

def upgrade() -> None:{many}
    """Bring the tables from the version before to this one."""
{body}
'''


# What code of the version before could not work with: what it uses is gone, or it does not give what is demanded.
_TAKES = re.compile(
    r"drop_(table|column|constraint)|alter_column|rename_table|create_(unique|check)_constraint|create_foreign_key"
    r"|add_column\((?!.*server_default).*nullable=False"
)

# What the linter takes for too many statements, the sentence before them counted.
_MANY = 50


def draft(schema: MetaData, message: str, *, history: History = HISTORY, replace: bool = False) -> Path:
    """Write the next migration.

    Args:
        schema: with the tables as they are wanted.
        message: what it does; it becomes the file's name.
        history: the migrations so far.
        replace: write the last one anew instead.
    """
    versions = history.folder / "versions"
    if replace:
        max(versions.glob("v[0-9]*.py")).unlink()
    before = history.version if any(versions.glob("v[0-9]*.py")) else None
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(sqlite_url(Path(folder) / "metadata.db"))
        with database.reshape() as tx:
            if before is not None:
                run_steps(tx, after=None, history=history)
            body = _operations(tx, schema, batch=before is not None)
        database.close()
    revision = f"{int(before or 0) + 1:04}"
    path = versions / f"v{revision}_{re.sub('[^a-z0-9]+', '_', message.lower()).strip('_')}.py"
    said = message[0].upper() + message[1:]
    many = "  # noqa: PLR0915 - as long as the schema is" if body.count("\n    op.") >= _MANY else ""
    after = f'"{before}"' if before else None
    # Earlier code may have done without what goes; whoever knows it writes an older version there.
    oldest = f'oldest = "{revision}"\n' if before and takes_away(body) else ""
    path.write_text(_FILE.format(message=said, revision=revision, before=after, body=body, many=many, oldest=oldest))
    return path


def takes_away(code: str) -> bool:
    """Whether a migration takes away, renames or demands, so that it must name the oldest version that works with it.

    Example:
        >>> takes_away('batch_op.drop_column("street")'), takes_away('op.drop_index("ix_pet_name")')
        (True, False)
    """
    return _TAKES.search(code) is not None


def _operations(connection: Connection, schema: MetaData, *, batch: bool) -> str:
    """The differences as lines of Python; in batches, where SQLite has to rebuild a table that changes."""
    context = MigrationContext.configure(connection, opts={"compare_type": _differs, "target_metadata": schema})
    operations = produce_migrations(context, schema).upgrade_ops
    assert operations is not None
    code = render_python_code(operations, user_module_prefix="types.", render_as_batch=batch, migration_context=context)
    return "\n".join(line.rstrip() for line in f"    {code}".splitlines() if "###" not in line)


def _differs(
    context: Any, _stored_column: Column[Any], _column: Column[Any], stored: TypeEngine[Any], wanted: TypeEngine[Any]
) -> bool:
    """Whether two types differ in the database, whatever classes they are in Python."""
    return bool(stored.compile(context.dialect) != wanted.compile(context.dialect))


def main(arguments: list[str]) -> None:
    """Draft a migration for the tables that a function gives."""
    replace = "--replace" in arguments
    loader, message = [argument for argument in arguments if argument != "--replace"]
    module, _, name = loader.partition(":")
    load: Callable[[], MetaData] = getattr(importlib.import_module(module), name)
    sys.stdout.write(f"{draft(load(), message, replace=replace)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
