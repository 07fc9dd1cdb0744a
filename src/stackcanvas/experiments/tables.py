from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Boolean, Instant, Integer, Json, Real, Text
from stackcanvas.metadata.schema import schema

experiment = Table(
    "experiment",
    schema,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("artifact_location", Text),
    Column("lifecycle", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
)

experiment_tag = Table(
    "experiment_tag",
    schema,
    Column("experiment", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

run = Table(
    "run",
    schema,
    Column("id", Text, primary_key=True),
    Column("experiment", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("lifecycle", Text, nullable=False),
    Column("deleted", Instant),
    Column("artifact_location", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("code_commit", Text),
    Column("dirty", Boolean, nullable=False),
    Column("environment", Text),
    Column("host", Text),
    Column("seed", Integer),
    Index("ix_run_experiment_lifecycle_started", "experiment", "lifecycle", "started"),
    Index("ix_run_lifecycle_started", "lifecycle", "started"),
)

run_environment = Table(
    "run_environment",
    schema,
    Column("digest", Text, primary_key=True),
    Column("python", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("packages", Json, nullable=False),
    Column("lock", Text),
)

# What a run needs to run again and nobody searches by.
run_origin = Table(
    "run_origin",
    schema,
    Column("run", Text, primary_key=True),
    Column("facts", Json, nullable=False),
)

run_parameter = Table(
    "run_parameter",
    schema,
    Column("run", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

run_tag = Table(
    "run_tag",
    schema,
    Column("run", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The whole row is the key: a client that sends a batch again adds nothing. SQLite keeps such a table in one tree,
# sorted as histories are read.
run_metric = Table(
    "run_metric",
    schema,
    Column("run", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("time", Instant, primary_key=True),
    Column("value", Real, primary_key=True),
    sqlite_with_rowid=False,
)

# The experiment stands here as well, so that one index orders the runs of an experiment by a metric.
run_metric_latest = Table(
    "run_metric_latest",
    schema,
    Column("run", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("experiment", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("time", Instant, nullable=False),
    Column("value", Real, nullable=False),
    Index("ix_run_metric_latest_experiment_key_value", "experiment", "key", "value"),
    sqlite_with_rowid=False,
)

run_dataset = Table(
    "run_dataset",
    schema,
    Column("id", Text, primary_key=True),
    Column("experiment", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text),
    Column("profile", Text),
    Index("uq_run_dataset_experiment_name_digest", "experiment", "name", "digest", unique=True),
)

run_input = Table(
    "run_input",
    schema,
    Column("run", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("tags", Json, nullable=False),
    Index("ix_run_input_dataset", "dataset"),
)

# What happened to a search for parameters, in order: its state is all of it, played again.
study_entry = Table(
    "study_entry",
    schema,
    Column("study", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
)
