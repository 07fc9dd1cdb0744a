"""Retention and erasure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stackcanvas.backends.database import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the tables from the version before to this one."""
    op.create_table(
        "data_erasure",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("before", types.Text(), nullable=False),
        sa.Column("after", types.Text(), nullable=False),
        sa.Column("rows", types.Integer(), nullable=False),
        sa.Column("execution", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", "before", name=op.f("pk_data_erasure")),
    )
    with op.batch_alter_table("data_erasure", schema=None) as batch_op:
        batch_op.create_index("ix_data_erasure_before", ["before"], unique=False)

    op.create_table(
        "pipeline_condemned",
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pipeline_condemned")),
    )
    with op.batch_alter_table("data_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("erased", types.Instant(), nullable=True))

    with op.batch_alter_table("value_day", schema=None) as batch_op:
        batch_op.add_column(sa.Column("not_under", types.Text(), nullable=True))
