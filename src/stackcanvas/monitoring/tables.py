from sqlalchemy import Column, Index, Table

from stackcanvas.backends.database.types import Boolean, Instant, Integer, Json, Real, Text
from stackcanvas.metadata.schema import schema

# A label is never changed, only followed by another: its id is the digest of what it says, so that it is kept once.
monitor_label = Table(
    "monitor_label",
    schema,
    Column("id", Text, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Json, nullable=False),
    Column("observed", Instant, nullable=False),
    Column("added", Instant, nullable=False),
    Column("prediction_id", Text),
    Column("predicted", Instant),
    Column("next_try", Instant),
    Column("tries", Integer, nullable=False),
    Index("ix_monitor_label_endpoint_predicted", "endpoint", "predicted"),
    Index("ix_monitor_label_endpoint_key", "endpoint", "key"),
    Index("ix_monitor_label_next_try", "next_try"),
)

# One row for each window that was looked at; a stale one has got labels since.
monitor_window = Table(
    "monitor_window",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("window_end", Instant, primary_key=True),
    Column("window_start", Instant, nullable=False),
    Column("measured", Instant, nullable=False),
    Column("stale", Boolean, nullable=False),
)

monitor_drift = Table(
    "monitor_drift",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("window_end", Instant, primary_key=True),
    Column("window_start", Instant, nullable=False),
    Column("model", Text, nullable=False),
    Column("measured", Instant, nullable=False),
    Column("report", Json, nullable=False),
)

monitor_performance = Table(
    "monitor_performance",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("window_end", Instant, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("window_start", Instant, nullable=False),
    Column("value", Real, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("predictions", Integer, nullable=False),
    Column("measured", Instant, nullable=False),
)

# What holds now: drift, decay, and each alert rule, by endpoint.
monitor_condition = Table(
    "monitor_condition",
    schema,
    Column("endpoint", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("episode", Text),
    Column("about", Text),
    Column("value", Real),
    Column("updated", Instant, nullable=False),
)

monitor_alert = Table(
    "monitor_alert",
    schema,
    Column("id", Text, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("bound", Text, nullable=False),
    Column("value", Real, nullable=False),
    Column("fired", Instant, nullable=False),
    Column("resolved", Instant),
    Index("ix_monitor_alert_endpoint_fired", "endpoint", "fired"),
)

monitor_delivery = Table(
    "monitor_delivery",
    schema,
    Column("id", Text, primary_key=True),
    Column("alert", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Json, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Instant, nullable=False),
    Column("error", Text),
    Index("ix_monitor_delivery_state_next_try", "state", "next_try"),
)

monitor_incident = Table(
    "monitor_incident",
    schema,
    Column("id", Text, primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cause", Text),
    Column("opened", Instant, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("closed", Instant),
    Column("closed_by", Text),
    Column("note", Text),
    Index("ix_monitor_incident_endpoint_opened", "endpoint", "opened"),
)
