"""What a run logs: metrics, parameters, tags, data sets, models."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from stackcanvas.errors import NotFound
from stackcanvas.experiments import RunInput
from stackcanvas.experiments.logged import ModelMetric
from stackcanvas.experiments.metrics import Raw
from stackcanvas.experiments.runs import NAME_UNTOLD
from stackcanvas.rest.mlflow import told
from stackcanvas.rest.mlflow.errors import absent, invalid, missing
from stackcanvas.rest.mlflow.limits import (
    LONGEST_PARAMETER,
    LONGEST_TAG,
    check_amounts,
    check_key,
    check_run_id,
    check_time,
    finite,
)
from stackcanvas.rest.mlflow.messages import Int64, Pair
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.rest.mlflow.runs import Run
from stackcanvas.stack import Stack

_LOGGED_MODELS = "mlflow.log-model.history"
_OWN_CONTEXTS = {theirs: ours for ours, theirs in told.CONTEXTS.items()}
_LONGEST_INPUT = {"name": 500, "digest": 36, "schema": 1_048_575, "source": 65_535, "profile": 16_777_215}
_LONGEST_INPUT_TAG = {"key": 255, "value": 500}
_PARAMETER = "Param key"


class Metric(msgspec.Struct):
    """A value of a metric."""

    key: str = ""
    value: float | None = None
    timestamp: Int64 | None = None
    step: Int64 = 0
    dataset_name: str = ""
    dataset_digest: str = ""
    model_id: str = ""


class LogMetric(Run):
    """One value."""

    needed: ClassVar[tuple[str, ...]] = ("run_id", "key", "value", "timestamp")
    key: str = ""
    value: float | None = None
    timestamp: Int64 | None = None
    step: Int64 = 0
    dataset_name: str = ""
    dataset_digest: str = ""
    model_id: str = ""


class LogPair(Run):
    """A parameter or a tag."""

    needed: ClassVar[tuple[str, ...]] = ("run_id", "key")
    key: str = ""
    value: str = ""


class LogBatch(Run):
    """Many of them."""

    metrics: list[Metric] = msgspec.field(default_factory=list)
    params: list[Pair] = msgspec.field(default_factory=list)
    tags: list[Pair] = msgspec.field(default_factory=list)


class Dataset(msgspec.Struct):
    """A data set."""

    name: str = ""
    digest: str = ""
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None


class DatasetInput(msgspec.Struct):
    """A data set that was read, and what for."""

    dataset: Dataset = msgspec.field(default_factory=Dataset)
    tags: list[Pair] = msgspec.field(default_factory=list)


class ModelLink(msgspec.Struct):
    """A logged model that was read or made."""

    model_id: str = ""
    step: Int64 = 0


class LogInputs(Run):
    """What a run read."""

    datasets: list[DatasetInput] = msgspec.field(default_factory=list)
    models: list[ModelLink] = msgspec.field(default_factory=list)


class LogOutputs(Run):
    """What a run made."""

    needed: ClassVar[tuple[str, ...]] = ("run_id", "models")
    models: list[ModelLink] | None = None


class LogModel(Run):
    """A model as clients before logged models told it."""

    needed: ClassVar[tuple[str, ...]] = ("run_id", "model_json")
    model_json: str = ""


def _log_metric(stack: Stack, asked: LogMetric) -> dict[str, Any]:
    _check_metric(asked, "")
    point = _point(asked)
    stack.experiments.tracking.log(asked.run_id, metrics=[point], measured=_measured(asked.run_id, [asked]))
    return {}


def log_batch(stack: Stack, asked: LogBatch) -> dict[str, Any]:
    """Log all of a batch or nothing of it."""
    check_run_id(asked.run_id)
    check_amounts(metrics=asked.metrics, parameters=asked.params, tags=asked.tags)
    known: set[str] = set()
    for index, one in enumerate(asked.metrics):
        # A name is looked at once; the rest of what can be wrong is told in the slow way.
        time = one.timestamp
        about = one.dataset_name or one.dataset_digest
        if one.key not in known or one.value is None or time is None or not 0 <= time < 1 << 47 or about:
            _check_metric(one, f"metrics[{index}].")
            known.add(one.key)
    parameters = _pairs(asked.params, "params", longest=LONGEST_PARAMETER)
    if len(parameters) < len(asked.params):
        keys = [one.key for one in asked.params]
        raise invalid(
            f"Duplicate parameter keys have been submitted: {sorted({key for key in keys if keys.count(key) > 1})}. "
            "Please ensure the request contains only one param value per param key."
        )
    tags = _pairs(asked.tags, "tags", longest=LONGEST_TAG)
    stack.experiments.tracking.log(
        asked.run_id,
        metrics=[_point(one) for one in asked.metrics],
        parameters=parameters,
        name=tags.pop(told.RUN_NAME, None),
        tags=tags,
        measured=_measured(asked.run_id, asked.metrics),
    )
    return {}


def _log_parameter(stack: Stack, asked: LogPair) -> dict[str, Any]:
    check_key(asked.key, "key", called=_PARAMETER)
    stack.experiments.tracking.log(asked.run_id, parameters={asked.key: asked.value[:LONGEST_PARAMETER]})
    return {}


def _set_tag(stack: Stack, asked: LogPair) -> dict[str, Any]:
    check_key(asked.key, "key")
    value = asked.value[:LONGEST_TAG]
    if asked.key == told.RUN_NAME:
        stack.experiments.tracking.log(asked.run_id, name=value)
    else:
        stack.experiments.tracking.log(asked.run_id, tags={asked.key: value})
    return {}


def _drop_tag(stack: Stack, asked: LogPair) -> dict[str, Any]:
    tracking = stack.experiments.tracking
    try:
        if asked.key == told.RUN_NAME:
            tracking.change_tag(asked.run_id, NAME_UNTOLD, _untold)
        else:
            tracking.drop_tag(asked.run_id, asked.key)
    except NotFound as error:
        if error.kind != "tag":
            raise
        raise absent(f"No tag with name: {asked.key} in run with id {asked.run_id}") from None
    return {}


def _untold(held: str | None) -> str:
    """The mark that a run's name is told as a tag no more, unless it is there already."""
    if held is not None:
        raise NotFound("tag", told.RUN_NAME)
    return "yes"


def _log_inputs(stack: Stack, asked: LogInputs) -> dict[str, Any]:
    check_run_id(asked.run_id)
    inputs = [_input(one, index) for index, one in enumerate(asked.datasets)]
    models = [one.model_id for one in asked.models]
    stack.experiments.tracking.add_inputs(asked.run_id, inputs, models=models)
    return {}


def _log_outputs(stack: Stack, asked: LogOutputs) -> dict[str, Any]:
    stack.experiments.tracking.add_outputs(asked.run_id, [(one.model_id, one.step) for one in asked.models or ()])
    return {}


def _log_model(stack: Stack, asked: LogModel) -> dict[str, Any]:
    try:
        model = json.loads(asked.model_json)
    except (ValueError, RecursionError):
        raise invalid("Malformed model info: it is not a valid JSON") from None
    lacks = {"artifact_path", "flavors", "utc_time_created", "run_id"} - set(model if isinstance(model, dict) else ())
    if lacks:
        raise invalid(f"Model json is missing mandatory fields: {', '.join(sorted(lacks))}")
    flavors = {
        name: {key: value for key, value in flavor.items() if key != "config"} if isinstance(flavor, dict) else flavor
        for name, flavor in dict(model["flavors"]).items()
    }
    told_model = {key: value for key, value in model.items() if key != "signature"} | {"flavors": flavors}

    def appended(held: str | None) -> str:
        return json.dumps([*(json.loads(held) if held else []), told_model])

    stack.experiments.tracking.change_tag(asked.run_id, _LOGGED_MODELS, appended)
    return {}


def _check_metric(given: Metric | LogMetric, place: str) -> None:
    if not given.key:
        raise missing(f"{place}key")
    if given.value is None:
        raise missing(f"{place}value")
    if given.timestamp is None:
        raise missing(f"{place}timestamp")
    check_key(given.key, f"{place}name", called="Metric name")
    check_time(given.timestamp, f"{place}timestamp")
    if bool(given.dataset_name) != bool(given.dataset_digest):
        raise invalid("Both dataset_name and dataset_digest must be provided if one is provided")


def _point(given: Metric | LogMetric) -> Raw:
    value = given.value
    assert value is not None
    assert given.timestamp is not None
    return Raw(given.key, given.step, given.timestamp * 1000, value if math.isfinite(value) else finite(value))


def _measured(run_id: str, metrics: Sequence[Metric | LogMetric]) -> dict[str, list[ModelMetric]]:
    found: dict[str, list[ModelMetric]] = {}
    for one in metrics:
        if one.model_id:
            value = ModelMetric(run_id, _point(one), one.dataset_name or None, one.dataset_digest or None)
            found.setdefault(one.model_id, []).append(value)
    return found


def _pairs(given: Sequence[Pair], what: str, *, longest: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for index, one in enumerate(given):
        if not one.key:
            raise missing(f"{what}[{index}].key")
        check_key(one.key, f"{what}[{index}].key", called=_PARAMETER if what == "params" else None)
        found[one.key] = one.value[:longest]
    return found


def _input(given: DatasetInput, index: int) -> RunInput:
    dataset, place = given.dataset, f"datasets[{index}].dataset"
    if not dataset.name:
        raise missing(f"{place}.name")
    for told_of, limits in ((dataset, _LONGEST_INPUT), *((tag, _LONGEST_INPUT_TAG) for tag in given.tags)):
        for name, longest in limits.items():
            if len(getattr(told_of, name) or "") > longest:
                raise invalid(f"'{name}' exceeds the maximum length of {longest} characters, in datasets[{index}]")
    return RunInput(
        dataset.name,
        dataset.digest,
        dataset.source_type,
        dataset.source,
        dataset.schema,
        dataset.profile,
        {_OWN_CONTEXTS.get(one.key, one.key): one.value for one in given.tags},
    )


ROUTES = (
    Route("POST", "runs/log-metric", LogMetric, _log_metric),
    Route("POST", "runs/log-batch", LogBatch, log_batch),
    Route("POST", "runs/log-parameter", LogPair, _log_parameter),
    Route("POST", "runs/set-tag", LogPair, _set_tag),
    Route("POST", "runs/delete-tag", LogPair, _drop_tag),
    Route("POST", "runs/log-inputs", LogInputs, _log_inputs),
    Route("POST", "runs/outputs", LogOutputs, _log_outputs),
    Route("POST", "runs/log-model", LogModel, _log_model),
)
