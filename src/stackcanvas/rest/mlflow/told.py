"""Records as the API tells them."""

from __future__ import annotations

from typing import Any

import msgspec

from stackcanvas.experiments.catalog import Experiment
from stackcanvas.experiments.facts import RunFacts
from stackcanvas.experiments.runs import NAME_UNTOLD, RunInput
from stackcanvas.rest.mlflow.answers import milliseconds, number, pairs, present
from stackcanvas.rest.mlflow.artifacts_uri import experiment_uri, run_uri

RUN_NAME = "mlflow.runName"
# What data were read for is a tag of the input that clients call so.
CONTEXTS = {"context": "mlflow.data.context"}
_OF_NAMES = {RUN_NAME, NAME_UNTOLD}


class Metric(msgspec.Struct, gc=False):
    """A value of a metric; there are many, and a dictionary for each takes twice the time."""

    key: str
    value: float | str
    timestamp: int
    step: int
    run_id: str | msgspec.UnsetType = msgspec.UNSET


def experiment(found: Experiment) -> dict[str, Any]:
    """An experiment."""
    return present(
        experiment_id=str(found.id),
        name=found.name,
        artifact_location=experiment_uri(found.id, found.artifact_location),
        lifecycle_stage=found.lifecycle,
        last_update_time=milliseconds(found.updated),
        creation_time=milliseconds(found.created),
        tags=pairs(found.tags),
        workspace="default",  # the one that a server without MLflow's workspaces has
    )


def run_info(found: RunFacts) -> dict[str, Any]:
    """The info of a run."""
    return present(
        run_id=found.id,
        run_uuid=found.id,
        run_name=found.name,
        experiment_id=str(found.experiment),
        user_id=found.actor,
        status=found.status.upper(),
        start_time=milliseconds(found.started),
        end_time=milliseconds(found.ended) or None,  # 0 is told as if it had not ended
        artifact_uri=run_uri(found.experiment, found.id, found.artifact_location),
        lifecycle_stage=found.lifecycle,
    )


def run(found: RunFacts) -> dict[str, Any]:
    """A run with all that belongs to it."""
    tags = [{"key": key, "value": value} for _, key, value in found.tags if key not in _OF_NAMES]
    if all(key != NAME_UNTOLD for _, key, _ in found.tags):
        tags.append({"key": RUN_NAME, "value": found.name})
    metrics = [Metric(key, number(value), time_us // 1000, step) for _, key, value, step, time_us in found.metrics]
    parameters = [{"key": key, "value": value} for _, key, value in found.parameters]
    return present(
        info=run_info(found),
        data=present(metrics=metrics, params=parameters, tags=tags),
        inputs=present(
            dataset_inputs=[_dataset_input(one) for one in found.inputs],
            model_inputs=[{"model_id": model} for model, _ in found.read_models],
        ),
        # A run that has just begun is told without.
        outputs=None
        if found.made_models is None
        else present(model_outputs=[{"model_id": model, "step": step} for model, step in found.made_models]),
    )


def _dataset_input(found: RunInput) -> dict[str, Any]:
    dataset = present(
        name=found.name,
        digest=found.digest,
        source_type=found.source_type,
        source=found.source,
        schema=found.schema or None,
        profile=found.profile or None,
    )
    tags = [{"key": CONTEXTS.get(key, key), "value": value} for key, value in found.tags.items()]
    return present(tags=tags, dataset=dataset)
