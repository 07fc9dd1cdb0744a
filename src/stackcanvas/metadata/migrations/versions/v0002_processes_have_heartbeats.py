"""Processes have heartbeats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stackcanvas.backends.database import types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the tables from the version before to this one."""
    op.create_table(
        "heartbeat",
        sa.Column("process", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("started", types.Instant(), nullable=False),
        sa.Column("beat", types.Instant(), nullable=False),
        sa.Column("every_s", types.Real(), nullable=False),
        sa.Column("facts", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("process", name=op.f("pk_heartbeat")),
    )
