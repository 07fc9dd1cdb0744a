from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Boolean, Bytes, Instant, Integer, Json, Text
from stackcanvas.metadata.schema import schema

pipeline_run = Table(
    "pipeline_run",
    schema,
    Column("id", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("trigger", Text, nullable=False),
    # What caused it, told apart for good: a trigger and an event or slot. The index makes each fire once.
    Column("cause", Text, unique=True),
    Column("concurrency", Integer),
    Column("queued", Boolean, nullable=False),
    Column("requested", Instant, nullable=False),
    Column("started", Instant),
    Column("ended", Instant),
    Column("code_commit", Text),
    Column("dirty", Boolean, nullable=False),
    Column("pins", Json, nullable=False),
    Column("error", Text),
    Column("frames", Text),
    Column("value", Text),
    # Who executes it, on wall time: a holder that is gone or late loses it to the next one.
    Column("holder", Text),
    Column("expires", Instant),
    Index("ix_pipeline_run_state_requested", "state", "requested"),
    Index("ix_pipeline_run_pipeline_requested", "pipeline", "requested"),
)

pipeline_step = Table(
    "pipeline_step",
    schema,
    Column("run", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("step", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("key", Text),
    Column("value", Text),
    Column("execution", Text),
    Column("started", Instant),
    Column("ended", Instant),
    Column("error", Text),
    Column("frames", Text),
    Column("log", Text),
)

# What a step returned, by the digest of its bytes; small values lie here, large ones in the object store. Nothing is
# unpickled that has no row here.
pipeline_value = Table(
    "pipeline_value",
    schema,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("data", Bytes),
    Column("created", Instant, nullable=False),
)

pipeline_cache = Table(
    "pipeline_cache",
    schema,
    Column("key", Text, primary_key=True),
    Column("step", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("execution", Text, nullable=False),
    Column("created", Instant, nullable=False),
)

# Results that are to go because nothing named them: a step that makes one again takes it back first.
pipeline_condemned = Table(
    "pipeline_condemned",
    schema,
    Column("digest", Text, primary_key=True),
    Column("time", Instant, nullable=False),
)

pipeline_trigger = Table(
    "pipeline_trigger",
    schema,
    Column("id", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("definition", Json, nullable=False),
    # What happened up to here is behind this trigger: it never fires for it.
    Column("sequence", Integer, nullable=False),
    Column("seen", Instant, nullable=False),
)
