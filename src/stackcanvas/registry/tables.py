from sqlalchemy import Column, Index, Table, UniqueConstraint

from stackcanvas.backends.database.types import Boolean, Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

# The last numbers stand here, so that one statement takes a number, and a deleted version's is never given again.
model = Table(
    "model",
    schema,
    Column("name", Text, primary_key=True),
    Column("description", Text),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("last_number", Integer, nullable=False),
    Column("last_version", Text),
    Index("ix_model_updated", "updated"),
)

model_tag = Table(
    "model_tag",
    schema,
    Column("name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_model_tag_key", "key"),
)

model_version = Table(
    "model_version",
    schema,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("signature", Json, nullable=False),
    Column("files", Json, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("environment", Json, nullable=False),
    Column("runtime", Json, nullable=False),
    Column("run", Text),
    Column("training", Text),
    Column("metrics", Json, nullable=False),
    Column("gate", Json),
    Column("agreement", Json),
    Column("source", Text),
    Column("storage", Text),
    Column("run_link", Text),
    Column("message", Text),
    Column("stage", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    UniqueConstraint("name", "version"),
    Index("ix_model_version_run", "run"),
    Index("ix_model_version_updated", "updated", "name", "number"),
    Index("ix_model_version_name_stage_number", "name", "stage", "number"),
)

model_version_tag = Table(
    "model_version_tag",
    schema,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_model_version_tag_key", "key"),
)

model_alias = Table(
    "model_alias",
    schema,
    Column("name", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("changed", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_model_alias_name_number", "name", "number"),
)

# A consent is given to the bytes, so the digest stands beside the number.
model_consent = Table(
    "model_consent",
    schema,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", Text, primary_key=True),
    Column("actor", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("time", Instant, nullable=False),
)

model_signature = Table(
    "model_signature",
    schema,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("actor", Text, nullable=False),
)
