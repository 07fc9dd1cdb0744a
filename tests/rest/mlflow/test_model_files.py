"""A model that MLflow's client logs is a version here, and one that is registered here loads with MLflow's client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import httpx
import lightgbm
import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import stackcanvas as sc
from stackcanvas.errors import Refused
from stackcanvas.stack import Stack

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
_RNG = np.random.default_rng(5)
ROWS = pd.DataFrame({"wind": _RNG.normal(size=200), "rain": _RNG.normal(size=200)})
LATE = (ROWS.wind + ROWS.rain > 0).astype(int)

# The client itself warns of its own plans, and of what it infers.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ResourceWarning"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose control server runs, and that MLflow's client talks to."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "canvas.yaml").write_text(MINIMAL.read_text())
    command = [sys.executable, "-m", "stackcanvas.server.control", "--project", str(folder), "--port", "0"]
    process = subprocess.Popen(command)
    told = folder / ".stackcanvas" / "run" / "control.json"
    end = time.monotonic() + 60
    while not told.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"http://127.0.0.1:{json.loads(told.read_text())['port']}")
    # The client remembers the experiment of whichever server it talked to before.
    mlflow.set_experiment(experiment_id="0")
    yield folder
    mlflow.set_tracking_uri(before)
    process.send_signal(signal.SIGTERM)
    process.wait(20)


@pytest.fixture
def stack(folder: Path) -> Iterator[Stack]:
    """The same project, open here."""
    with sc.open(folder) as opened:
        yield opened


def logged(flavor: Any, model: Any, name: str, **more: Any) -> np.ndarray[Any, Any]:
    """Log and register a model; gives what the client predicts with it."""
    with mlflow.start_run():
        requirements = ["numpy"]
        info = flavor.log_model(
            model,
            name=name,
            registered_model_name=name,
            input_example=ROWS.head(3),
            pip_requirements=requirements,
            **more,
        )
    return np.asarray(mlflow.pyfunc.load_model(info.model_uri).predict(ROWS.head(20)))


@pytest.mark.parametrize(
    ("name", "format"),
    [("estimator", "skops"), ("light", "skops"), ("booster", "lightgbm"), ("extreme", "xgboost")],
)
def test_a_logged_model_answers_here_as_it_does_there(stack: Stack, name: str, format: str) -> None:  # noqa: A002
    """It is a version with run, size and signature; it goes live; its files cannot be changed any more."""
    light = lightgbm.Dataset(ROWS, LATE)
    flavor, model = {  # type: ignore[no-untyped-call]
        "estimator": lambda: (mlflow.sklearn, LogisticRegression().fit(ROWS, LATE)),
        "light": lambda: (mlflow.lightgbm, lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, LATE)),
        "booster": lambda: (mlflow.lightgbm, lightgbm.train({"objective": "binary", "verbose": -1}, light, 3)),
        "extreme": lambda: (mlflow.xgboost, xgboost.XGBClassifier(n_estimators=3).fit(ROWS, LATE)),
    }[name]()

    expected = logged(flavor, model, name)
    version = stack.registry.get(name)

    assert (version.format, version.is_held) == (format, True)
    assert version.run is not None
    assert version.ref in set(stack.spine.lineage.downstream(version.run).refs) | {version.ref}
    found = stack.registry.load(version.ref).predict(pl.from_pandas(ROWS.head(20)))["prediction"]
    assert np.allclose(found, expected)
    again = mlflow.pyfunc.load_model(f"models:/{name}/1").predict(ROWS.head(20))
    assert np.allclose(np.asarray(again), expected)
    assert stack.deployment.deploy(name, version.ref).state == "live"
    address = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow-artifacts/artifacts/registry/{name}/1/MLmodel"
    assert httpx.put(address, content=b"x").status_code == 400
    assert httpx.delete(address).status_code == 400
    assert stack.registry.verify(version.ref)[0].ok
    key = stack.registry.export(version.ref)["MLmodel"]
    stack.objects.put(key, stack.objects.get(key) + b"#")
    assert httpx.get(address).json()["error_code"] == "DATA_LOSS"


def test_altered_bytes_of_a_version_are_not_handed_over_whole(stack: Stack) -> None:
    """A file of many pieces breaks off, since its answer has begun."""
    content = os.urandom(9 << 20)

    class Large:
        def walk(self) -> Iterator[tuple[str, int]]:
            yield "large.bin", len(content)

        def parts(self, _: str) -> Iterator[bytes]:
            yield from (content[: 5 << 20], content[5 << 20 :])

    stack.registry.changes.create("large")
    made = stack.registry.adopt("large", Large())
    address = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow-artifacts/artifacts/registry/large/1/large.bin"

    assert httpx.get(address).content == content
    stack.objects.put(stack.registry.export(made.ref)["large.bin"], content[:-1] + b"!")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(address)


def test_a_logged_pickle_waits_for_consent(stack: Stack) -> None:
    """It is kept, and neither loaded nor deployed before somebody agreed."""
    logged(mlflow.sklearn, LogisticRegression().fit(ROWS, LATE), "pickle", serialization_format="cloudpickle")
    version = stack.registry.get("pickle")

    assert version.format == "sklearn"
    for use in (lambda: stack.registry.load(version.ref), lambda: stack.deployment.deploy("pickle", version.ref)):
        with pytest.raises(Refused, match="must agree that the Python code"):
            use()


def test_what_is_changed_in_the_run_later_changes_no_version(stack: Stack, tmp_path: Path) -> None:
    """The version was copied when it was registered."""
    mlflow.sklearn.save_model(LogisticRegression().fit(ROWS, LATE), tmp_path / "model", pip_requirements=["numpy"])
    client = MlflowClient()
    with mlflow.start_run() as run:
        client.log_artifacts(run.info.run_id, str(tmp_path / "model"), "model")
        made = mlflow.register_model(f"runs:/{run.info.run_id}/model", "copied")
        (tmp_path / "other").write_text("changed")
        client.log_artifact(run.info.run_id, str(tmp_path / "other"), "model")

    version = stack.registry.get("copied")
    assert made.version == "1"
    assert version.run is not None
    assert version.run.name == run.info.run_id
    assert "MLmodel" in version.files
    assert "other" not in version.files


@pytest.mark.parametrize("format", ["onnx", "lightgbm", "xgboost", "skops"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_model_of_the_registry_loads_with_the_client(stack: Stack, format: str) -> None:  # noqa: A002
    """As pyfunc, by its name, with files that are made from the records."""
    sample = pl.from_pandas(ROWS)
    rows = sample.to_numpy()
    model = {  # type: ignore[no-untyped-call]
        "onnx": lambda: LogisticRegression().fit(sample.cast(pl.Float32), LATE),
        # It holds types that a client has to be told to trust.
        "skops": lambda: make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(rows, LATE),
        "lightgbm": lambda: lightgbm.LGBMRegressor(n_estimators=3, verbose=-1).fit(rows, ROWS.wind),
        "xgboost": lambda: xgboost.XGBRegressor(n_estimators=3).fit(rows, ROWS.wind),
    }[format]()
    name = f"native_{format}"
    taken = sample.cast(pl.Float32) if format == "onnx" else sample
    version = stack.registry.register(name, model, sample=taken, format=format)

    found = mlflow.pyfunc.load_model(f"models:/{name}/{version.number}").predict(ROWS.head(10))

    own = stack.registry.load(version.ref).predict(taken.head(10))
    if format == "onnx":
        assert np.allclose(found["probability"], own["probability"])
        assert (found["label"] == own["label"]).all()
    else:
        assert np.allclose(np.asarray(found), own["label" if format == "skops" else "prediction"], atol=1e-6)
    assert MlflowClient().get_model_version(name, "1").source == f"mlflow-artifacts:/registry/{name}/1"

    copied = MlflowClient().copy_model_version(f"models:/{name}/1", f"copied_{name}")
    kept = stack.registry.get(f"copied_{name}@{copied.version}")
    assert (kept.digest, kept.format, kept.source) == (version.digest, version.format, f"models:/{name}/1")
    assert mlflow.models.get_model_info(f"models:/copied_{name}/1").flavors
