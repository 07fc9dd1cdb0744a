from sqlalchemy import Column, Table

from stackcanvas.backends.database.types import Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

# How far each view has come online, and by which definition from which version.
feature_materialized = Table(
    "feature_materialized",
    schema,
    Column("view", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("until", Instant, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("time", Instant, nullable=False),
    Column("facts", Json, nullable=False),
)
