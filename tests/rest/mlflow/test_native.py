"""A run is one record, whichever way it was logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack

Call = Callable[..., tuple[int, Any]]
NOW = 1_780_000_000_000


def test_a_native_run_is_told_to_clients(stack: Stack, call: Call) -> None:
    """With name, parameters, metrics, tags, inputs and files."""
    with stack.experiments.run("delay", name="by hand", parameters={"depth": 3}, tags={"team": "risk"}) as run:
        run.log({"auc": 0.75}, step=2)
        run.log_input(Ref.parse("data:flights@3"), digest="c0ffee", context="training")
        run.log_artifact("plots/roc.txt", "curve")
    found = call("runs/get", run_id=run.id)[1]["run"]
    assert found["info"]["run_name"] == "by hand"
    assert found["info"]["status"] == "FINISHED"
    assert {"key": "depth", "value": "3"} in found["data"]["params"]
    assert [(one["key"], one["value"], one["step"]) for one in found["data"]["metrics"]] == [("auc", 0.75, 2)]
    tags = {one["key"]: one["value"] for one in found["data"]["tags"]}
    assert (tags["team"], tags["mlflow.runName"]) == ("risk", "by hand")
    (read,) = found["inputs"]["dataset_inputs"]
    assert read["dataset"]["name"] == "flights"
    assert read["tags"] == [{"key": "mlflow.data.context", "value": "training"}]
    assert call("artifacts/list", run_id=run.id, path="plots")[1]["files"] == [
        {"path": "plots/roc.txt", "is_dir": False, "file_size": 5}
    ]
    number = found["info"]["experiment_id"]
    start = found["info"]["start_time"]
    for wanted in ("metrics.auc > 0.7", "params.depth = '3'", f"start_time = {start}", "status = 'FINISHED'"):
        said = call("runs/search", experiment_ids=[number], filter=wanted)[1]
        assert [one["info"]["run_id"] for one in said["runs"]] == [run.id], wanted


def test_a_run_of_a_client_is_a_native_run(stack: Stack, call: Call) -> None:
    """With its lineage: an execution that ends with it."""
    number = call("experiments/create", name="delay")[1]["experiment_id"]
    tags = [{"key": "mlflow.source.git.commit", "value": "c0ffee"}, {"key": "mlflow.runName", "value": "from afar"}]
    made = call("runs/create", experiment_id=number, start_time=NOW, user_id="ada", tags=tags)[1]
    run = made["run"]["info"]["run_id"]
    call("runs/log-batch", run_id=run, metrics=[{"key": "auc", "value": 0.5, "timestamp": NOW, "step": 1}])
    call("runs/log-parameter", run_id=run, key="depth", value="3")
    call("runs/update", run_id=run, status="FINISHED", end_time=NOW + 5_000)
    found = stack.experiments.get(run)
    assert (found.experiment, found.name, found.actor, found.status) == ("delay", "from afar", "ada", "finished")
    assert (found.code.commit, found.duration_s) == ("c0ffee", 5.0)
    assert found.parameters == {"depth": "3"}
    assert found.metrics["auc"].value == 0.5
    execution = stack.spine.executions.get(run)
    assert (execution.kind, execution.state) == ("experiments.run", "done")
    assert stack.experiments.search("delay", where=["metric.auc >= 0.5"])[0].id == run


def test_a_run_of_a_client_outlives_the_server(stack: Stack, call: Call) -> None:
    """Its process is not one of ours: it is not taken for lost."""
    run = call("runs/create", experiment_id="0", start_time=NOW)[1]["run"]["info"]["run_id"]
    assert run not in stack.spine.executions.reap()
    assert stack.spine.executions.get(run).state == "running"
