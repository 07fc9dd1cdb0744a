from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

data_version = Table(
    "data_version",
    schema,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("listing", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("message", Text, nullable=False),
    Column("rows", Integer),
    Column("files", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("new_bytes", Integer, nullable=False),
    Column("columns", Json, nullable=False),
    Column("key", Json, nullable=False),
    Column("changed_columns", Json, nullable=False),
    Column("source", Json, nullable=False),
    Column("execution", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("forgotten", Instant),
    Column("broken", Json, nullable=False),
    Column("erased", Instant),
    Index("ix_data_version_digest", "digest"),
)

data_tag = Table(
    "data_tag",
    schema,
    Column("name", Text, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("created", Instant, nullable=False),
)

# What was taken out of a version about persons: how many rows, and between which digests; never what they held.
data_erasure = Table(
    "data_erasure",
    schema,
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("before", Text, primary_key=True),
    Column("after", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("execution", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Index("ix_data_erasure_before", "before"),
)
