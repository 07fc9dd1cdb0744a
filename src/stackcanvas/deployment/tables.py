from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

deployment_endpoint = Table(
    "deployment_endpoint",
    schema,
    Column("name", Text, primary_key=True),
    Column("live_model", Text, nullable=False),
    Column("live_bundle", Text, nullable=False),
    Column("live_since", Instant, nullable=False),
    Column("release", Text),
    Column("revision", Integer, nullable=False),
)

deployment_release = Table(
    "deployment_release",
    schema,
    Column("id", Text, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("previous_model", Text),
    Column("previous_bundle", Text),
    Column("strategy", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("step_since", Instant, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("reason", Text, nullable=False),
    Index("ix_deployment_release_endpoint_started", "endpoint", "started"),
    Index("ix_deployment_release_state", "state"),
)
