from sqlalchemy import Column, Index, Table, UniqueConstraint

from stackcanvas.backends.database.types import Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

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
    Column("run", Text),
    Column("training", Text),
    Column("metrics", Json, nullable=False),
    Column("gate", Json),
    Column("agreement", Json),
    Column("message", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    UniqueConstraint("name", "version"),
    Index("ix_model_version_run", "run"),
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
