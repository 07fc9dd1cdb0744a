"""Runs that try a prompt: what a page's form asked of a language model, and what that answered, as a table."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from stackcanvas.errors import StackCanvasError
from stackcanvas.rest.mlflow import told
from stackcanvas.rest.mlflow.artifacts import own
from stackcanvas.rest.mlflow.artifacts_uri import run_uri
from stackcanvas.rest.mlflow.errors import invalid
from stackcanvas.rest.mlflow.logging import LogBatch, log_batch
from stackcanvas.rest.mlflow.messages import Int64, Message, Pair
from stackcanvas.rest.mlflow.routes import Route
from stackcanvas.rest.mlflow.runs import Create, begin
from stackcanvas.stack import Stack

_TABLE = "eval_results_table.json"
_TAGS = (
    Pair("mlflow.loggedArtifacts", json.dumps([{"path": _TABLE, "type": "table"}])),
    Pair("mlflow.runSourceType", "PROMPT_ENGINEERING"),
)
_NEEDED = ("experiment_id", "prompt_template", "prompt_parameters", "model_route", "model_input", "mlflow_version")


class Said(msgspec.Struct):
    """A name and what was said for it."""

    key: str = ""
    value: str | int | float | bool = ""


class Try(Message):
    """What was tried."""

    experiment_id: str = ""
    run_name: str = ""
    tags: list[Pair] = msgspec.field(default_factory=list)
    prompt_template: str = ""
    prompt_parameters: list[Said] = msgspec.field(default_factory=list)
    model_route: str = ""
    model_parameters: list[Said] = msgspec.field(default_factory=list)
    model_input: str = ""
    model_output: str = ""
    model_output_parameters: list[Said] = msgspec.field(default_factory=list)
    mlflow_version: str = ""
    user_id: str = "unknown"
    start_time: Int64 | None = None


def _create(stack: Stack, asked: Try) -> dict[str, Any]:
    for name in _NEEDED:
        if not getattr(asked, name):
            raise invalid(f"CreatePromptlabRun request must specify {name}.")
    begun = Create(
        experiment_id=asked.experiment_id,
        user_id=asked.user_id,
        run_name=asked.run_name,
        start_time=asked.start_time,
        tags=asked.tags,
    )
    run = begin(stack, begun)
    status = "finished"
    try:
        parameters = [Pair(one.key, str(one.value)) for one in asked.model_parameters]
        parameters += [Pair("model_route", asked.model_route), Pair("prompt_template", asked.prompt_template)]
        log_batch(stack, LogBatch(run_id=run.id, params=parameters, tags=list(_TAGS)))
        place = own(run_uri(run.experiment, run.id, run.artifact_location))
        stack.objects.put(f"{place}/{_TABLE}", json.dumps(_table(asked)).encode())
    except StackCanvasError:
        status = "failed"  # what began is told, as it is
    stack.experiments.tracking.change(run.id, status=status)
    return {"run": told.run(stack.experiments.tracking.get(run.id))}


def _table(asked: Try) -> dict[str, Any]:
    given, answered = asked.prompt_parameters, asked.model_output_parameters
    columns = [*(one.key for one in given), "prompt", "output", *(one.key for one in answered)]
    row = [*(str(one.value) for one in given), asked.model_input, asked.model_output]
    return {"columns": columns, "data": [[*row, *(str(one.value) for one in answered)]]}


ROUTES = (Route("POST", "runs/create-promptlab-run", Try, _create, slow=True),)
