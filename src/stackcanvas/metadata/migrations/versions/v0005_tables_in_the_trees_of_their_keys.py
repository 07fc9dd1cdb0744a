"""Tables in the trees of their keys."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the tables from the version before to this one."""
    if op.get_context().dialect.name == "sqlite":
        # The key of these is most of what they hold: they are kept in its index, and need no second tree.
        for name in ("run_metric_latest", "run_parameter", "run_tag"):
            with op.batch_alter_table(name, recreate="always", table_kwargs={"sqlite_with_rowid": False}):
                pass
