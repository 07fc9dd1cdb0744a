from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Instant, Integer, Real, Text
from stackcanvas.metadata.schema import schema

logged_model = Table(
    "logged_model",
    schema,
    Column("id", Text, primary_key=True),
    Column("experiment", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("model_type", Text),
    Column("source_run", Text),
    Column("status", Text, nullable=False),
    Column("status_message", Text),
    Column("artifact_location", Text, nullable=False),
    Column("lifecycle", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Index("ix_logged_model_experiment_lifecycle_created", "experiment", "lifecycle", "created"),
    Index("ix_logged_model_source_run", "source_run"),
)

logged_model_parameter = Table(
    "logged_model_parameter",
    schema,
    Column("model", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

logged_model_tag = Table(
    "logged_model_tag",
    schema,
    Column("model", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

logged_model_metric = Table(
    "logged_model_metric",
    schema,
    Column("model", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("time", Instant, primary_key=True),
    Column("value", Real, nullable=False),
    Column("dataset_name", Text),
    Column("dataset_digest", Text),
)

# Which models a run read or made; a model that is saved again and again has a row for each step.
run_model = Table(
    "run_model",
    schema,
    Column("run", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
)
