"""Fewer indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the tables from the version before to this one."""
    # Each key of a metric cost a page of its own for every run, for searches that name no experiment.
    op.drop_index("ix_run_metric_latest_key_value", table_name="run_metric_latest")
    op.drop_index("ix_execution_parent", table_name="execution")
    parts = sa.text("parent IS NOT NULL")
    op.create_index("ix_execution_parent", "execution", ["parent"], sqlite_where=parts, postgresql_where=parts)
