"""The schema of a workspace: made whole when it is fresh, told apart by its version when it is not."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import MetaData, text

from stackcanvas.backends.database import Database

VERSION = "0001"


def prepare(database: Database, load: Callable[[], MetaData]) -> None:
    """Make the tables of a fresh workspace; one that has them is left as it is.

    Args:
        load: gives the schema with the tables of all blocks; called only when they must be made.
    """
    with database.read() as connection:
        if connection.dialect.has_table(connection, "stackcanvas_version"):
            return
    schema = load()
    with database.write() as tx:
        schema.create_all(tx)
        tx.execute(text("create table if not exists stackcanvas_version (version_num text primary key)"))
        tx.execute(
            text("insert into stackcanvas_version values (:version) on conflict do nothing"), {"version": VERSION}
        )
