"""MLflow's own client, unchanged, against a server process, on SQLite and on PostgreSQL."""

from __future__ import annotations

import math
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("quiet")]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's progress bars and its look at the packages are not wanted."""
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def client(server: str) -> Iterator[Any]:
    """The client, pointed at the server by the fluent API too."""
    mlflow.set_tracking_uri(server)
    yield MlflowClient(server)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def experiment(client: Any) -> str:
    """The id of a fresh experiment."""
    return str(client.create_experiment(f"experiment {secrets.token_hex(4)}"))


def code(call: Any, *arguments: Any, **named: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(MlflowException) as told:
        call(*arguments, **named)
    return str(told.value.error_code)


def test_experiments_are_made_renamed_deleted_and_found(client: Any) -> None:
    """`Default` has the id 0; a name is taken even by a deleted one."""
    assert client.get_experiment("0").name == "Default"
    name = f"é {secrets.token_hex(4)}"
    number = client.create_experiment(name, tags={"team": "risk"})
    assert client.get_experiment_by_name(name).experiment_id == number
    assert client.get_experiment(number).artifact_location == f"mlflow-artifacts:/{number}"
    assert code(client.create_experiment, name) == "RESOURCE_ALREADY_EXISTS"
    client.set_experiment_tag(number, "note", "x" * 5000)
    client.rename_experiment(number, name + " 2")
    found = client.search_experiments(filter_string=f"name = '{name} 2' AND tags.team = 'risk'")
    assert [one.tags["note"] for one in found] == ["x" * 5000]
    run = client.create_run(number).info.run_id
    client.delete_experiment(number)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert code(client.create_run, number) == "INVALID_PARAMETER_VALUE"
    assert number in {one.experiment_id for one in client.search_experiments(ViewType.DELETED_ONLY)}
    client.restore_experiment(number)
    assert client.get_run(run).info.lifecycle_stage == "active"
    assert client.get_experiment_by_name("there is none") is None


def test_a_run_keeps_what_is_logged(client: Any, experiment: str) -> None:
    """Parameters once, tags anew, of metrics every value."""
    run = client.create_run(experiment, run_name="first", tags={"a": "1"}).info.run_id
    client.log_batch(
        run,
        metrics=[Metric("loss", 1 / (step + 1), 1_000 + step, step) for step in range(50)],
        params=[Param("depth", "3"), Param("path/to", "x" * 7000)],
        tags=[RunTag("a", "2"), RunTag("empty", "")],
    )
    client.log_metric(run, "odd", float("nan"))
    client.log_metric(run, "large", float("-inf"), timestamp=5, step=-3)
    client.log_param(run, "depth", 3)
    assert code(client.log_param, run, "depth", 4) == "INVALID_PARAMETER_VALUE"
    client.set_tag(run, "mlflow.runName", "renamed")
    found = client.get_run(run)
    assert found.info.run_name == found.data.tags["mlflow.runName"] == "renamed"
    assert found.data.params == {"depth": "3", "path/to": "x" * 6000}
    assert (found.data.tags["a"], found.data.tags["empty"]) == ("2", "")
    assert found.data.metrics["loss"] == 1 / 50
    assert math.isnan(found.data.metrics["odd"])
    assert found.data.metrics["large"] == -1.7976931348623157e308
    history = client.get_metric_history(run, "loss")
    assert [(one.step, one.timestamp, one.value) for one in history] == [(s, 1_000 + s, 1 / (s + 1)) for s in range(50)]
    client.delete_tag(run, "a")
    assert code(client.delete_tag, run, "a") == "RESOURCE_DOES_NOT_EXIST"
    client.set_terminated(run, "FAILED", end_time=9_000_000)
    assert (client.get_run(run).info.status, client.get_run(run).info.end_time) == ("FAILED", 9_000_000)


def test_a_batch_is_kept_whole_or_not_at_all(client: Any, experiment: str) -> None:
    """A parameter that cannot change takes the metrics beside it along."""
    run = client.create_run(experiment).info.run_id
    client.log_param(run, "depth", "3")
    metrics = [Metric("loss", 1.0, 1, 1)]
    assert code(client.log_batch, run, metrics, [Param("depth", "4")]) == "INVALID_PARAMETER_VALUE"
    assert client.get_run(run).data.metrics == {}


def test_a_deleted_run_takes_nothing(client: Any, experiment: str) -> None:
    """It can be restored."""
    run = client.create_run(experiment).info.run_id
    client.delete_run(run)
    assert code(client.log_metric, run, "a", 1) == "INVALID_PARAMETER_VALUE"
    assert client.search_runs([experiment]) == []
    client.restore_run(run)
    client.log_metric(run, "a", 1)
    assert code(client.get_run, "0" * 32) == "RESOURCE_DOES_NOT_EXIST"


def test_runs_are_found_ordered_and_paged(client: Any, experiment: str) -> None:
    """NaN comes after the numbers, what is missing last; ties by start, the newest first."""
    runs = []
    for number, value in enumerate([0.5, float("nan"), None, 0.9, 0.1]):
        run = client.create_run(experiment, start_time=1_700_000_000_000 + number, run_name=f"run {number}").info.run_id
        client.log_param(run, "depth", number % 2)
        client.set_tag(run, "team", "Risk" if number else "ops")
        if value is not None:
            client.log_metric(run, "auc", value)
        runs.append(run)

    def names(filter_string: str = "", order_by: list[str] | None = None) -> list[int]:
        found = client.search_runs([experiment], filter_string, order_by=order_by)
        return [runs.index(run.info.run_id) for run in found]

    assert names() == [4, 3, 2, 1, 0]
    assert names(order_by=["metrics.auc DESC"]) == [3, 0, 4, 1, 2]
    assert names(order_by=["metrics.auc ASC"]) == [4, 0, 3, 1, 2]
    assert names(order_by=["params.depth", "start_time ASC"]) == [0, 2, 4, 1, 3]
    assert names("metrics.auc >= 0.5") == [3, 0]
    assert names("params.depth = '1' AND tags.team LIKE 'R%'") == [3, 1]
    assert names("tags.team ILIKE 'risk' AND attributes.start_time > 1700000000002") == [4, 3]
    assert names("run_name = 'run 1'") == [1]
    assert names(f"run_id IN ('{runs[0]}', '{runs[2]}')") == [2, 0]
    assert code(names, "metrics.auc > 'x'") == "INVALID_PARAMETER_VALUE"
    first = client.search_runs([experiment], max_results=2, order_by=["metrics.auc DESC"])
    second = client.search_runs([experiment], max_results=3, order_by=["metrics.auc DESC"], page_token=first.token)
    assert [runs.index(run.info.run_id) for run in [*first, *second]] == [3, 0, 4, 1, 2]
    assert second.token is None


def test_data_sets_are_inputs(client: Any, experiment: str) -> None:
    """With what they were read for, and found by it."""
    run = client.create_run(experiment).info.run_id
    data = Dataset("flights", "c0ffee", "local", '{"uri": "x"}', schema="{}", profile="{}")
    client.log_inputs(run, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    (found,) = client.get_run(run).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest, found.dataset.schema) == ("flights", "c0ffee", "{}")
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]
    wanted = "dataset.name = 'flights' AND dataset.context LIKE 'train%'"
    assert [one.info.run_id for one in client.search_runs([experiment], wanted)] == [run]
    assert client.search_runs([experiment], "dataset.context = 'evaluation'") == []


def test_files_go_through_the_server(client: Any, experiment: str, tmp_path: Path) -> None:
    """Whatever they are called; folders are listed as such."""
    run = client.create_run(experiment).info.run_id
    (tmp_path / "große Kurve 100%.txt").write_text("high")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a b.bin").write_bytes(bytes(range(256)))
    client.log_artifacts(run, str(tmp_path), "plots")
    assert {(one.path, one.is_dir) for one in client.list_artifacts(run)} == {("plots", True)}
    below = {(one.path, one.is_dir, one.file_size) for one in client.list_artifacts(run, "plots")}
    assert below == {("plots/große Kurve 100%.txt", False, 4), ("plots/deep", True, None)}
    (tmp_path / "back").mkdir()
    back = Path(client.download_artifacts(run, "plots", str(tmp_path / "back")))
    assert (back / "deep" / "a b.bin").read_bytes() == bytes(range(256))
    assert (back / "große Kurve 100%.txt").read_text() == "high"


def test_training_is_logged_by_itself(client: Any, experiment: str) -> None:
    """Parameters, metrics, data set and model of scikit-learn; the model loads and predicts."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(7)
    features = rng.normal(size=(80, 3))
    target = (features[:, 0] > 0).astype(int)
    mlflow.set_experiment(experiment_id=experiment)
    mlflow.sklearn.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            model = LogisticRegression(C=0.5).fit(features, target)
            logged = mlflow.sklearn.log_model(model, name="model", pip_requirements=["scikit-learn"])
    finally:
        mlflow.sklearn.autolog(disable=True)
    found = client.get_run(run.info.run_id)
    assert found.data.params["C"] == "0.5"
    assert found.data.metrics["training_accuracy_score"] > 0.9
    assert [one.model_id for one in found.outputs.model_outputs] == [logged.model_id]
    kept = client.get_logged_model(logged.model_id)
    assert (kept.name, str(kept.status), kept.source_run_id) == ("model", "READY", run.info.run_id)
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    assert np.array_equal(loaded.predict(features), model.predict(features))


def test_logged_models_are_found_by_their_metrics(client: Any, experiment: str) -> None:
    """On a data set, where one is named."""
    run = client.create_run(experiment).info.run_id
    made = [client.create_logged_model(experiment, name=name, params={"p": name}) for name in ("a", "b", "c")]
    for model, value in zip(made, (0.2, 0.8, float("nan")), strict=True):
        client.log_metric(run, "acc", value, model_id=model.model_id, dataset_name="test", dataset_digest="x")
    client.set_logged_model_tags(made[1].model_id, {"best": "yes"})
    best = {"field_name": "metrics.acc", "ascending": False, "dataset_name": "test", "dataset_digest": "x"}
    assert [one.name for one in client.search_logged_models([experiment], order_by=[best])] == ["b", "a", "c"]
    assert [one.name for one in client.search_logged_models([experiment], "metrics.acc > 0.5")] == ["b"]
    assert [one.name for one in client.search_logged_models([experiment], "tags.best = 'yes' AND params.p = 'b'")] == [
        "b"
    ]
    nowhere = [{"dataset_name": "other"}]
    assert client.search_logged_models([experiment], datasets=nowhere) == []
    client.delete_logged_model_tag(made[1].model_id, "best")
    client.delete_logged_model(made[0].model_id)
    assert code(client.get_logged_model, made[0].model_id) == "RESOURCE_DOES_NOT_EXIST"
    pages = client.search_logged_models([experiment], max_results=1, order_by=[{"field_name": "name"}])
    assert [one.name for one in pages] == ["b"]
    assert pages.token


def test_many_write_at_once(client: Any, experiment: str) -> None:
    """Nothing is lost and nobody is refused."""
    run = client.create_run(experiment).info.run_id
    refused: list[Exception] = []

    def write(number: int) -> None:
        try:
            for step in range(20):
                client.log_metric(run, f"m{number}", step, step=step)
            other = client.create_run(experiment, run_name=f"thread {number}").info.run_id
            client.log_param(other, "number", number)
        except Exception as error:  # noqa: BLE001 - told below
            refused.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert refused == []
    assert all(len(client.get_metric_history(run, f"m{number}")) == 20 for number in range(6))
    assert len(client.search_runs([experiment])) == 7
