from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

# The text of a bundle's description, whose digest is the bundle's; the files it names are the registry's.
serving_bundle = Table(
    "serving_bundle",
    schema,
    Column("digest", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("fallback", Text),
    Column("created", Instant, nullable=False),
    Index("ix_serving_bundle_model", "model"),
)

serving_route = Table(
    "serving_route",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("route", Json, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed", Instant, nullable=False),
)
