from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table

from stackcanvas.backends.database import Instant, Json
from stackcanvas.metadata.schema import schema

execution = Table(
    "execution",
    schema,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("subject", String),
    Column("trigger", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("code_commit", String),
    Column("dirty", Boolean, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("process", String, nullable=False),
    Column("parent", String),
    Column("error", String),
    Index("ix_execution_kind_started", "kind", "started"),
    Index("ix_execution_parent", "parent"),
    Index("ix_execution_state", "state"),
)

link = Table(
    "link",
    schema,
    Column("execution", String, primary_key=True),
    Column("direction", String, primary_key=True),
    Column("ref", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("time", Instant, nullable=False),
    Index("ix_link_ref_direction", "ref", "direction"),
)

artifact = Table(
    "artifact",
    schema,
    Column("ref", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("digest", String),
    Column("execution", String),
    Column("created", Instant, nullable=False),
    Column("facts", Json, nullable=False),
    Index("ix_artifact_kind_name_created", "kind", "name", "created"),
)

event = Table(
    "event",
    schema,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("time", Instant, nullable=False),
    Column("payload", Json, nullable=False),
    Column("actor", String, nullable=False),
    Index("ix_event_subject_sequence", "subject", "sequence"),
)

event_cursor = Table(
    "event_cursor",
    schema,
    Column("reader", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    schema,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_audit_subject", "subject"),
)

counter = Table(
    "counter",
    schema,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

lease = Table(
    "lease",
    schema,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires", Instant, nullable=False),
)
