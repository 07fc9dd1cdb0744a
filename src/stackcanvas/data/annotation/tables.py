from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Instant, Integer, Json, Real, Text
from stackcanvas.metadata.schema import schema

annotation_queue = Table(
    "annotation_queue",
    schema,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("choices", Json, nullable=False),
    Column("low", Real),
    Column("high", Real),
    Column("text", Text),
    Column("wanted", Integer, nullable=False),
    Column("claim_s", Integer, nullable=False),
    Column("price", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sources", Json, nullable=False),
    Column("created", Instant, nullable=False),
)

annotation_item = Table(
    "annotation_item",
    schema,
    Column("queue", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("data", Json, nullable=False),
    Column("priority", Real, nullable=False),
    Column("given", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("final", Json),
    Column("final_by", Text),
    Column("final_at", Instant),
    Index("ix_annotation_item_key", "queue", "key", unique=True),
    Index("ix_annotation_item_next", "queue", "state", "priority", "number"),
)

annotation_label = Table(
    "annotation_label",
    schema,
    Column("queue", Text, primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("labeller", Text, primary_key=True),
    Column("value", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("took_s", Real),
    Column("made", Instant, nullable=False),
)

annotation_claim = Table(
    "annotation_claim",
    schema,
    Column("queue", Text, primary_key=True),
    Column("item", Integer, primary_key=True, autoincrement=False),
    Column("labeller", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("claimed", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Index("ix_annotation_claim_labeller", "queue", "labeller", "state"),
)
