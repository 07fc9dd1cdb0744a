from sqlalchemy import Column, Index, Table, text

from stackcanvas.backends.database.types import Boolean, Instant, Integer, Json, Real, Text
from stackcanvas.metadata.schema import schema

_PARTS = text("parent IS NOT NULL")

execution = Table(
    "execution",
    schema,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("subject", Text),
    Column("trigger", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("code_commit", Text),
    Column("dirty", Boolean, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("process", Text, nullable=False),
    Column("parent", Text),
    Column("error", Text),
    Index("ix_execution_kind_started", "kind", "started"),
    # Most work is part of no other.
    Index("ix_execution_parent", "parent", sqlite_where=_PARTS, postgresql_where=_PARTS),
    Index("ix_execution_state", "state"),
)

link = Table(
    "link",
    schema,
    Column("execution", Text, primary_key=True),
    Column("direction", Text, primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("time", Instant, nullable=False),
    Index("ix_link_ref_direction", "ref", "direction"),
)

artifact = Table(
    "artifact",
    schema,
    Column("ref", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text),
    Column("execution", Text),
    Column("created", Instant, nullable=False),
    Column("facts", Json, nullable=False),
    Index("ix_artifact_kind_name_created", "kind", "name", "created"),
)

event = Table(
    "event",
    schema,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("payload", Json, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_event_subject_sequence", "subject", "sequence"),
)

event_cursor = Table(
    "event_cursor",
    schema,
    Column("reader", Text, primary_key=True),
    Column("sequence", Integer, nullable=False),
)

audit = Table(
    "audit",
    schema,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("time", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("ix_audit_subject", "subject"),
)

# What came from another tool, by the id that it has there; the digest tells whether it has changed since.
taken = Table(
    "taken",
    schema,
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("here", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Index("ix_taken_kind_here", "kind", "here"),
)

counter = Table(
    "counter",
    schema,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

lease = Table(
    "lease",
    schema,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("expires", Instant, nullable=False),
)

# Which processes live: each says so again and again, by the clock of its machine.
heartbeat = Table(
    "heartbeat",
    schema,
    Column("process", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("started", Instant, nullable=False),
    Column("beat", Instant, nullable=False),
    Column("every_s", Real, nullable=False),
    Column("facts", Json, nullable=False),
)

# Who may ask a server: only a digest of each token is kept, and a revoked one stays as a record.
token = Table(
    "token",
    schema,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("creator", Text, nullable=False),
    Column("expires", Instant),
    Column("used", Instant),
    Column("revoked", Instant),
    Index("ix_token_digest", "digest", unique=True),
)
