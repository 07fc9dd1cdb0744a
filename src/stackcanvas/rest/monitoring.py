"""Drift, performance, alerts, incidents and labels over REST."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from stackcanvas.metadata import Ref
from stackcanvas.rest.answers import StackOf, answer, answer_items
from stackcanvas.rest.routers import router_of

router = router_of("/monitoring", "monitoring")
labels_router = router_of("/labels", "monitoring")

Limit = Annotated[int, Query(ge=1, le=1000)]


class LabelsBody(BaseModel):
    """True outcomes."""

    labels: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=100_000,
        description="Each with prediction_id, or entity keys and event_time; value; observed_at, where it is known.",
    )


class IncidentBody(BaseModel):
    """What is wrong."""

    endpoint: str
    reason: str = Field(min_length=1)


class ClosingBody(BaseModel):
    """What ended an incident."""

    by: Literal["fix", "rollback", "retraining"] = "fix"
    note: str = ""


@router.get("/drift/{endpoint}")
def drift(stack: StackOf, endpoint: str) -> Response:
    """How far the traffic of the last window has moved from the training data of the live model."""
    return answer(stack.monitoring.drift(endpoint))


@router.get("/drift/{endpoint}/history")
def drift_history(stack: StackOf, endpoint: str, limit: Limit = 100) -> Response:
    """The drift of each window, the newest first."""
    return answer_items(stack.monitoring.drift_history(endpoint, limit=limit))


@router.get("/performance/{endpoint}")
def performance(
    stack: StackOf, endpoint: str, metric: str | None = None, model: str | None = None, limit: Limit = 100
) -> Response:
    """The metrics of each version over each window, the newest first."""
    version = Ref.parse(model, kind="model") if model else None
    return answer_items(stack.monitoring.performance(endpoint, metric=metric, model=version, limit=limit))


@router.get("/conditions/{endpoint}")
def conditions(stack: StackOf, endpoint: str) -> Response:
    """What holds at an endpoint: drift, decay, and each alert rule."""
    return answer_items(stack.monitoring.conditions(endpoint))


@router.get("/alerts")
def alerts(stack: StackOf, endpoint: str | None = None, firing: bool = False, limit: Limit = 100) -> Response:
    """The alerts that fired, the newest first."""
    return answer_items(stack.monitoring.alerts(endpoint, firing_only=firing, limit=limit))


@router.get("/alerts/{alert}/deliveries")
def deliveries(stack: StackOf, alert: str) -> Response:
    """What became of the messages of an alert."""
    return answer_items(stack.monitoring.deliveries(alert))


@router.get("/incidents")
def incidents(
    stack: StackOf,
    endpoint: str | None = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those that are not over.")] = False,
    limit: Limit = 100,
) -> Response:
    """Incidents, the newest first."""
    return answer_items(stack.monitoring.incidents.ls(endpoint, open_only=open_only, limit=limit))


@router.post("/incidents")
def open_incident(stack: StackOf, body: IncidentBody) -> Response:
    """Record that something is wrong at an endpoint."""
    return answer(stack.monitoring.incidents.open(body.endpoint, body.reason), status=201)


@router.post("/incidents/{incident}/close")
def close_incident(stack: StackOf, incident: str, body: ClosingBody) -> Response:
    """Record that an incident is over."""
    return answer(stack.monitoring.incidents.close(incident, by=body.by, note=body.note))


@labels_router.post("/{endpoint}")
def add_labels(stack: StackOf, endpoint: str, body: LabelsBody) -> Response:
    """Take true outcomes; the same again changes nothing."""
    return answer(stack.monitoring.labels.add(endpoint, body.labels))


@labels_router.get("/{endpoint}")
def label_counts(stack: StackOf, endpoint: str) -> Response:
    """How many labels an endpoint has, and how many found their prediction."""
    return answer(stack.monitoring.labels.counts(endpoint))
