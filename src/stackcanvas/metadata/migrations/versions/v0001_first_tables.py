"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stackcanvas.backends.database import types

revision = "0001"
down_revision = None


def upgrade() -> None:  # noqa: PLR0915 - as long as the schema is
    """Bring the tables from the version before to this one."""
    op.create_table(
        "annotation_claim",
        sa.Column("queue", types.Text(), nullable=False),
        sa.Column("item", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("labeller", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("note", types.Text(), nullable=False),
        sa.Column("claimed", types.Instant(), nullable=False),
        sa.Column("expires", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "item", "labeller", name=op.f("pk_annotation_claim")),
    )
    op.create_index("ix_annotation_claim_labeller", "annotation_claim", ["queue", "labeller", "state"], unique=False)
    op.create_table(
        "annotation_item",
        sa.Column("queue", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("data", types.Json(), nullable=False),
        sa.Column("priority", types.Real(), nullable=False),
        sa.Column("given", types.Integer(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("final", types.Json(), nullable=True),
        sa.Column("final_by", types.Text(), nullable=True),
        sa.Column("final_at", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("queue", "number", name=op.f("pk_annotation_item")),
    )
    op.create_index("ix_annotation_item_key", "annotation_item", ["queue", "key"], unique=True)
    op.create_index(
        "ix_annotation_item_next", "annotation_item", ["queue", "state", "priority", "number"], unique=False
    )
    op.create_table(
        "annotation_label",
        sa.Column("queue", types.Text(), nullable=False),
        sa.Column("item", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("labeller", types.Text(), nullable=False),
        sa.Column("value", types.Json(), nullable=False),
        sa.Column("note", types.Text(), nullable=False),
        sa.Column("took_s", types.Real(), nullable=True),
        sa.Column("made", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "item", "labeller", name=op.f("pk_annotation_label")),
    )
    op.create_table(
        "annotation_queue",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("question", types.Text(), nullable=False),
        sa.Column("choices", types.Json(), nullable=False),
        sa.Column("low", types.Real(), nullable=True),
        sa.Column("high", types.Real(), nullable=True),
        sa.Column("text", types.Text(), nullable=True),
        sa.Column("wanted", types.Integer(), nullable=False),
        sa.Column("claim_s", types.Integer(), nullable=False),
        sa.Column("price", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("sources", types.Json(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_annotation_queue")),
    )
    op.create_table(
        "artifact",
        sa.Column("ref", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=True),
        sa.Column("execution", types.Text(), nullable=True),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("facts", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_artifact")),
    )
    op.create_index("ix_artifact_kind_name_created", "artifact", ["kind", "name", "created"], unique=False)
    op.create_table(
        "audit",
        sa.Column("sequence", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.Column("verified", types.Boolean(), nullable=False),
        sa.Column("action", types.Text(), nullable=False),
        sa.Column("subject", types.Text(), nullable=False),
        sa.Column("detail", types.Text(), nullable=False),
        sa.Column("previous", types.Text(), nullable=False),
        sa.Column("hash", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "counter",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("value", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "data_tag",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("tag", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", "tag", name=op.f("pk_data_tag")),
    )
    op.create_table(
        "data_version",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("listing", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("message", types.Text(), nullable=False),
        sa.Column("rows", types.Integer(), nullable=True),
        sa.Column("files", types.Integer(), nullable=False),
        sa.Column("size_bytes", types.Integer(), nullable=False),
        sa.Column("new_bytes", types.Integer(), nullable=False),
        sa.Column("columns", types.Json(), nullable=False),
        sa.Column("key", types.Json(), nullable=False),
        sa.Column("changed_columns", types.Json(), nullable=False),
        sa.Column("source", types.Json(), nullable=False),
        sa.Column("execution", types.Text(), nullable=False),
        sa.Column("origin", types.Text(), nullable=False),
        sa.Column("forgotten", types.Instant(), nullable=True),
        sa.Column("broken", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_data_version")),
    )
    op.create_index("ix_data_version_digest", "data_version", ["digest"], unique=False)
    op.create_table(
        "deployment_endpoint",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("live_model", types.Text(), nullable=False),
        sa.Column("live_bundle", types.Text(), nullable=False),
        sa.Column("live_since", types.Instant(), nullable=False),
        sa.Column("release", types.Text(), nullable=True),
        sa.Column("revision", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_deployment_endpoint")),
    )
    op.create_table(
        "deployment_release",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("bundle", types.Text(), nullable=False),
        sa.Column("previous_model", types.Text(), nullable=True),
        sa.Column("previous_bundle", types.Text(), nullable=True),
        sa.Column("strategy", types.Json(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("step", types.Integer(), nullable=False),
        sa.Column("step_since", types.Instant(), nullable=False),
        sa.Column("started", types.Instant(), nullable=False),
        sa.Column("ended", types.Instant(), nullable=True),
        sa.Column("reason", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_release")),
    )
    op.create_index(
        "ix_deployment_release_endpoint_started", "deployment_release", ["endpoint", "started"], unique=False
    )
    op.create_index("ix_deployment_release_state", "deployment_release", ["state"], unique=False)
    op.create_table(
        "event",
        sa.Column("sequence", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("subject", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("payload", types.Json(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_event")),
    )
    op.create_index("ix_event_subject_sequence", "event", ["subject", "sequence"], unique=False)
    op.create_table(
        "event_cursor",
        sa.Column("reader", types.Text(), nullable=False),
        sa.Column("sequence", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_event_cursor")),
    )
    op.create_table(
        "execution",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("subject", types.Text(), nullable=True),
        sa.Column("trigger", types.Text(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.Column("verified", types.Boolean(), nullable=False),
        sa.Column("started", types.Instant(), nullable=False),
        sa.Column("ended", types.Instant(), nullable=True),
        sa.Column("code_commit", types.Text(), nullable=True),
        sa.Column("dirty", types.Boolean(), nullable=False),
        sa.Column("parameters", types.Json(), nullable=False),
        sa.Column("process", types.Text(), nullable=False),
        sa.Column("parent", types.Text(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_execution")),
    )
    op.create_index("ix_execution_kind_started", "execution", ["kind", "started"], unique=False)
    op.create_index("ix_execution_parent", "execution", ["parent"], unique=False)
    op.create_index("ix_execution_state", "execution", ["state"], unique=False)
    op.create_table(
        "experiment",
        sa.Column("id", types.Integer(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("artifact_location", types.Text(), nullable=True),
        sa.Column("lifecycle", types.Text(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        sa.UniqueConstraint("name", name=op.f("uq_experiment_name")),
    )
    op.create_table(
        "experiment_tag",
        sa.Column("experiment", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("experiment", "key", name=op.f("pk_experiment_tag")),
    )
    op.create_table(
        "feature_materialized",
        sa.Column("view", types.Text(), nullable=False),
        sa.Column("definition", types.Text(), nullable=False),
        sa.Column("source", types.Text(), nullable=False),
        sa.Column("until", types.Instant(), nullable=False),
        sa.Column("rows", types.Integer(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("facts", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("view", name=op.f("pk_feature_materialized")),
    )
    op.create_table(
        "lease",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("holder", types.Text(), nullable=False),
        sa.Column("fence", types.Integer(), nullable=False),
        sa.Column("expires", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "link",
        sa.Column("execution", types.Text(), nullable=False),
        sa.Column("direction", types.Text(), nullable=False),
        sa.Column("ref", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("execution", "direction", "ref", "role", name=op.f("pk_link")),
    )
    op.create_index("ix_link_ref_direction", "link", ["ref", "direction"], unique=False)
    op.create_table(
        "logged_model",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("experiment", types.Integer(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("model_type", types.Text(), nullable=True),
        sa.Column("source_run", types.Text(), nullable=True),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("status_message", types.Text(), nullable=True),
        sa.Column("artifact_location", types.Text(), nullable=False),
        sa.Column("lifecycle", types.Text(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logged_model")),
    )
    op.create_index(
        "ix_logged_model_experiment_lifecycle_created",
        "logged_model",
        ["experiment", "lifecycle", "created"],
        unique=False,
    )
    op.create_index("ix_logged_model_source_run", "logged_model", ["source_run"], unique=False)
    op.create_table(
        "logged_model_metric",
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("step", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("value", types.Real(), nullable=False),
        sa.Column("dataset_name", types.Text(), nullable=True),
        sa.Column("dataset_digest", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("model", "key", "run", "step", "time", name=op.f("pk_logged_model_metric")),
    )
    op.create_table(
        "logged_model_parameter",
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "key", name=op.f("pk_logged_model_parameter")),
    )
    op.create_table(
        "logged_model_tag",
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "key", name=op.f("pk_logged_model_tag")),
    )
    op.create_table(
        "model",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=True),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("last_number", types.Integer(), nullable=False),
        sa.Column("last_version", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_model")),
    )
    op.create_index("ix_model_updated", "model", ["updated"], unique=False)
    op.create_table(
        "model_alias",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("alias", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), nullable=False),
        sa.Column("changed", types.Instant(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "alias", name=op.f("pk_model_alias")),
    )
    op.create_index("ix_model_alias_name_number", "model_alias", ["name", "number"], unique=False)
    op.create_table(
        "model_consent",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("action", types.Text(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("verified", types.Boolean(), nullable=False),
        sa.Column("note", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", "action", "actor", name=op.f("pk_model_consent")),
    )
    op.create_table(
        "model_signature",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("signature", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", "key", name=op.f("pk_model_signature")),
    )
    op.create_table(
        "model_tag",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key", name=op.f("pk_model_tag")),
    )
    op.create_index("ix_model_tag_key", "model_tag", ["key"], unique=False)
    op.create_table(
        "model_version",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("format", types.Text(), nullable=False),
        sa.Column("signature", types.Json(), nullable=False),
        sa.Column("files", types.Json(), nullable=False),
        sa.Column("size_bytes", types.Integer(), nullable=False),
        sa.Column("environment", types.Json(), nullable=False),
        sa.Column("runtime", types.Json(), nullable=False),
        sa.Column("run", types.Text(), nullable=True),
        sa.Column("training", types.Text(), nullable=True),
        sa.Column("metrics", types.Json(), nullable=False),
        sa.Column("gate", types.Json(), nullable=True),
        sa.Column("agreement", types.Json(), nullable=True),
        sa.Column("source", types.Text(), nullable=True),
        sa.Column("storage", types.Text(), nullable=True),
        sa.Column("run_link", types.Text(), nullable=True),
        sa.Column("message", types.Text(), nullable=True),
        sa.Column("stage", types.Text(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_model_version")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_model_version_name_version")),
    )
    op.create_index("ix_model_version_name_stage_number", "model_version", ["name", "stage", "number"], unique=False)
    op.create_index("ix_model_version_run", "model_version", ["run"], unique=False)
    op.create_index("ix_model_version_updated", "model_version", ["updated", "name", "number"], unique=False)
    op.create_table(
        "model_version_tag",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", "key", name=op.f("pk_model_version_tag")),
    )
    op.create_index("ix_model_version_tag_key", "model_version_tag", ["key"], unique=False)
    op.create_table(
        "monitor_alert",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("rule", types.Text(), nullable=False),
        sa.Column("severity", types.Text(), nullable=False),
        sa.Column("metric", types.Text(), nullable=False),
        sa.Column("bound", types.Text(), nullable=False),
        sa.Column("value", types.Real(), nullable=False),
        sa.Column("fired", types.Instant(), nullable=False),
        sa.Column("resolved", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_alert")),
    )
    op.create_index("ix_monitor_alert_endpoint_fired", "monitor_alert", ["endpoint", "fired"], unique=False)
    op.create_table(
        "monitor_condition",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("since", types.Instant(), nullable=False),
        sa.Column("episode", types.Text(), nullable=True),
        sa.Column("about", types.Text(), nullable=True),
        sa.Column("value", types.Real(), nullable=True),
        sa.Column("updated", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "name", name=op.f("pk_monitor_condition")),
    )
    op.create_table(
        "monitor_delivery",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("alert", types.Text(), nullable=False),
        sa.Column("channel", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("message", types.Json(), nullable=False),
        sa.Column("tries", types.Integer(), nullable=False),
        sa.Column("next_try", types.Instant(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_delivery")),
    )
    op.create_index("ix_monitor_delivery_state_next_try", "monitor_delivery", ["state", "next_try"], unique=False)
    op.create_table(
        "monitor_drift",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("window_end", types.Instant(), nullable=False),
        sa.Column("window_start", types.Instant(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("measured", types.Instant(), nullable=False),
        sa.Column("report", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "window_end", name=op.f("pk_monitor_drift")),
    )
    op.create_table(
        "monitor_incident",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("reason", types.Text(), nullable=False),
        sa.Column("cause", types.Text(), nullable=True),
        sa.Column("opened", types.Instant(), nullable=False),
        sa.Column("opened_by", types.Text(), nullable=False),
        sa.Column("closed", types.Instant(), nullable=True),
        sa.Column("closed_by", types.Text(), nullable=True),
        sa.Column("note", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_incident")),
    )
    op.create_index("ix_monitor_incident_endpoint_opened", "monitor_incident", ["endpoint", "opened"], unique=False)
    op.create_table(
        "monitor_label",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Json(), nullable=False),
        sa.Column("observed", types.Instant(), nullable=False),
        sa.Column("added", types.Instant(), nullable=False),
        sa.Column("prediction_id", types.Text(), nullable=True),
        sa.Column("predicted", types.Instant(), nullable=True),
        sa.Column("next_try", types.Instant(), nullable=True),
        sa.Column("tries", types.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitor_label")),
    )
    op.create_index("ix_monitor_label_endpoint_key", "monitor_label", ["endpoint", "key"], unique=False)
    op.create_index("ix_monitor_label_endpoint_predicted", "monitor_label", ["endpoint", "predicted"], unique=False)
    op.create_index("ix_monitor_label_next_try", "monitor_label", ["next_try"], unique=False)
    op.create_table(
        "monitor_performance",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("window_end", types.Instant(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("metric", types.Text(), nullable=False),
        sa.Column("window_start", types.Instant(), nullable=False),
        sa.Column("value", types.Real(), nullable=False),
        sa.Column("labels", types.Integer(), nullable=False),
        sa.Column("predictions", types.Integer(), nullable=False),
        sa.Column("measured", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "window_end", "model", "metric", name=op.f("pk_monitor_performance")),
    )
    op.create_table(
        "monitor_window",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("window_end", types.Instant(), nullable=False),
        sa.Column("window_start", types.Instant(), nullable=False),
        sa.Column("measured", types.Instant(), nullable=False),
        sa.Column("stale", types.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "kind", "window_end", name=op.f("pk_monitor_window")),
    )
    op.create_table(
        "pipeline_cache",
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("step", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.Column("execution", types.Text(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pipeline_cache")),
    )
    op.create_table(
        "pipeline_run",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("pipeline", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("parameters", types.Json(), nullable=False),
        sa.Column("seed", types.Integer(), nullable=False),
        sa.Column("trigger", types.Text(), nullable=False),
        sa.Column("cause", types.Text(), nullable=True),
        sa.Column("concurrency", types.Integer(), nullable=True),
        sa.Column("queued", types.Boolean(), nullable=False),
        sa.Column("requested", types.Instant(), nullable=False),
        sa.Column("started", types.Instant(), nullable=True),
        sa.Column("ended", types.Instant(), nullable=True),
        sa.Column("code_commit", types.Text(), nullable=True),
        sa.Column("dirty", types.Boolean(), nullable=False),
        sa.Column("pins", types.Json(), nullable=False),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("frames", types.Text(), nullable=True),
        sa.Column("value", types.Text(), nullable=True),
        sa.Column("holder", types.Text(), nullable=True),
        sa.Column("expires", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_run")),
        sa.UniqueConstraint("cause", name=op.f("uq_pipeline_run_cause")),
    )
    op.create_index("ix_pipeline_run_pipeline_requested", "pipeline_run", ["pipeline", "requested"], unique=False)
    op.create_index("ix_pipeline_run_state_requested", "pipeline_run", ["state", "requested"], unique=False)
    op.create_table(
        "pipeline_step",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("node", types.Text(), nullable=False),
        sa.Column("position", types.Integer(), nullable=False),
        sa.Column("step", types.Text(), nullable=False),
        sa.Column("state", types.Text(), nullable=False),
        sa.Column("attempt", types.Integer(), nullable=False),
        sa.Column("key", types.Text(), nullable=True),
        sa.Column("value", types.Text(), nullable=True),
        sa.Column("execution", types.Text(), nullable=True),
        sa.Column("started", types.Instant(), nullable=True),
        sa.Column("ended", types.Instant(), nullable=True),
        sa.Column("error", types.Text(), nullable=True),
        sa.Column("frames", types.Text(), nullable=True),
        sa.Column("log", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run", "node", name=op.f("pk_pipeline_step")),
    )
    op.create_table(
        "pipeline_trigger",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("pipeline", types.Text(), nullable=False),
        sa.Column("definition", types.Json(), nullable=False),
        sa.Column("sequence", types.Integer(), nullable=False),
        sa.Column("seen", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_trigger")),
    )
    op.create_table(
        "pipeline_value",
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("size_bytes", types.Integer(), nullable=False),
        sa.Column("data", types.Bytes(), nullable=True),
        sa.Column("created", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pipeline_value")),
    )
    op.create_table(
        "run",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("experiment", types.Integer(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("status", types.Text(), nullable=False),
        sa.Column("started", types.Instant(), nullable=False),
        sa.Column("ended", types.Instant(), nullable=True),
        sa.Column("lifecycle", types.Text(), nullable=False),
        sa.Column("deleted", types.Instant(), nullable=True),
        sa.Column("artifact_location", types.Text(), nullable=False),
        sa.Column("actor", types.Text(), nullable=False),
        sa.Column("code_commit", types.Text(), nullable=True),
        sa.Column("dirty", types.Boolean(), nullable=False),
        sa.Column("environment", types.Text(), nullable=True),
        sa.Column("host", types.Text(), nullable=True),
        sa.Column("seed", types.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_experiment_lifecycle_started", "run", ["experiment", "lifecycle", "started"], unique=False)
    op.create_index("ix_run_lifecycle_started", "run", ["lifecycle", "started"], unique=False)
    op.create_table(
        "run_dataset",
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("experiment", types.Integer(), nullable=False),
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("source_type", types.Text(), nullable=False),
        sa.Column("source", types.Text(), nullable=False),
        sa.Column("schema", types.Text(), nullable=True),
        sa.Column("profile", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_dataset")),
    )
    op.create_index(
        "uq_run_dataset_experiment_name_digest", "run_dataset", ["experiment", "name", "digest"], unique=True
    )
    op.create_table(
        "run_environment",
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("python", types.Text(), nullable=False),
        sa.Column("platform", types.Text(), nullable=False),
        sa.Column("packages", types.Json(), nullable=False),
        sa.Column("lock", types.Text(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_run_environment")),
    )
    op.create_table(
        "run_input",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("dataset", types.Text(), nullable=False),
        sa.Column("tags", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("run", "dataset", name=op.f("pk_run_input")),
    )
    op.create_index("ix_run_input_dataset", "run_input", ["dataset"], unique=False)
    op.create_table(
        "run_metric",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("step", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("value", types.Real(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key", "step", "time", "value", name=op.f("pk_run_metric")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_metric_latest",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("experiment", types.Integer(), nullable=False),
        sa.Column("step", types.Integer(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.Column("value", types.Real(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key", name=op.f("pk_run_metric_latest")),
    )
    op.create_index(
        "ix_run_metric_latest_experiment_key_value", "run_metric_latest", ["experiment", "key", "value"], unique=False
    )
    op.create_index("ix_run_metric_latest_key_value", "run_metric_latest", ["key", "value"], unique=False)
    op.create_table(
        "run_model",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("step", types.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("run", "role", "model", "step", name=op.f("pk_run_model")),
    )
    op.create_table(
        "run_origin",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("facts", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_run_origin")),
    )
    op.create_table(
        "run_parameter",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key", name=op.f("pk_run_parameter")),
    )
    op.create_table(
        "run_tag",
        sa.Column("run", types.Text(), nullable=False),
        sa.Column("key", types.Text(), nullable=False),
        sa.Column("value", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key", name=op.f("pk_run_tag")),
    )
    op.create_table(
        "serving_bundle",
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("description", types.Text(), nullable=False),
        sa.Column("fallback", types.Text(), nullable=True),
        sa.Column("created", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_serving_bundle")),
    )
    op.create_index("ix_serving_bundle_model", "serving_bundle", ["model"], unique=False)
    op.create_table(
        "serving_route",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("route", types.Json(), nullable=False),
        sa.Column("revision", types.Integer(), nullable=False),
        sa.Column("changed", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_serving_route")),
    )
    op.create_table(
        "study_entry",
        sa.Column("study", types.Text(), nullable=False),
        sa.Column("number", types.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("study", "number", name=op.f("pk_study_entry")),
    )
    op.create_table(
        "taken",
        sa.Column("source", types.Text(), nullable=False),
        sa.Column("kind", types.Text(), nullable=False),
        sa.Column("id", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("here", types.Text(), nullable=False),
        sa.Column("time", types.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", "id", name=op.f("pk_taken")),
    )
    op.create_index("ix_taken_kind_here", "taken", ["kind", "here"], unique=False)
    op.create_table(
        "token",
        sa.Column("name", types.Text(), nullable=False),
        sa.Column("digest", types.Text(), nullable=False),
        sa.Column("role", types.Text(), nullable=False),
        sa.Column("created", types.Instant(), nullable=False),
        sa.Column("creator", types.Text(), nullable=False),
        sa.Column("expires", types.Instant(), nullable=True),
        sa.Column("used", types.Instant(), nullable=True),
        sa.Column("revoked", types.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_token")),
    )
    op.create_index("ix_token_digest", "token", ["digest"], unique=True)
    op.create_table(
        "value_day",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("day", types.Text(), nullable=False),
        sa.Column("model", types.Text(), nullable=False),
        sa.Column("decisions", types.Integer(), nullable=False),
        sa.Column("worth", types.Text(), nullable=False),
        sa.Column("payoff", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "day", "model", name=op.f("pk_value_day")),
    )
    op.create_table(
        "value_stale",
        sa.Column("endpoint", types.Text(), nullable=False),
        sa.Column("day", types.Text(), nullable=False),
        sa.Column("mark", types.Text(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "day", name=op.f("pk_value_stale")),
    )
