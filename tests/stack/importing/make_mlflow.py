"""Makes the stores of MLflow that the tests import; run it with an environment that holds mlflow and scikit-learn.

    PYTHON make_mlflow.py FOLDER

writes FOLDER/mlruns.zip, a file store, and FOLDER/mlflow_db.zip, a SQLite database with its folder of artifacts. Those
beside this file were made with mlflow 3.17.2, scikit-learn 1.9.1 and Python 3.11.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ |= {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LogisticRegression


def fill(uri: str, home: Path) -> None:
    """One of everything."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient()
    churn = client.create_experiment("churn", tags={"team": "growth"}, artifact_location=_place(uri, home, "churn"))
    gone = client.create_experiment("abandoned", artifact_location=_place(uri, home, "abandoned"))
    with mlflow.start_run(experiment_id=gone, run_name="never mind"):
        mlflow.log_metric("loss", 3.0)
    client.delete_experiment(gone)

    x = pd.DataFrame({"visits": np.arange(20.0), "age": np.arange(20.0) % 7})
    y = (x["visits"] > 9).astype(int)
    with mlflow.start_run(experiment_id=churn, run_name="logistic", tags={"stage": "first"}) as parent:
        mlflow.log_params({"C": 0.5, "solver": "lbfgs", "note": "Ärger über 'Größe'\nzwei Zeilen"})
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metric("odd", float("nan"), step=0)
        mlflow.log_metric("odd", float("inf"), step=1)
        mlflow.log_metric("odd", float("-inf"), step=2)
        mlflow.log_input(mlflow.data.from_pandas(x, source="/data/churn.csv", name="churn"), context="training")
        mlflow.log_text("as it was\n", "notes/read me.txt")
        model = LogisticRegression(C=0.5).fit(x, y)
        mlflow.sklearn.log_model(
            model, name="model", signature=infer_signature(x, model.predict(x)), pip_requirements=["scikit-learn"]
        )
        with mlflow.start_run(experiment_id=churn, run_name="fold", nested=True):
            mlflow.log_metric("folds/auc", 0.75)
    with mlflow.start_run(experiment_id=churn, run_name="failed"):
        mlflow.log_param("C", 2)
    failed = mlflow.last_active_run().info.run_id
    client.set_terminated(failed, "FAILED")
    with mlflow.start_run(experiment_id=churn, run_name="thrown away") as thrown:
        mlflow.log_metric("loss", 9.0)
    client.delete_run(thrown.info.run_id)
    with mlflow.start_run(experiment_id="0", run_name="of Default"):
        mlflow.log_metric("loss", 2.0)
        mlflow.log_text("weights", "model/weights.txt")
    default = mlflow.last_active_run()

    client.create_registered_model("churn", tags={"owner": "ada"}, description="Who leaves.")
    logged = mlflow.search_logged_models(experiment_ids=[churn], output_format="list")[0]
    for number in range(3):
        client.create_model_version(
            "churn", f"models:/{logged.model_id}", run_id=parent.info.run_id, description=f"try {number}"
        )
    client.delete_model_version("churn", "2")
    client.set_model_version_tag("churn", "1", "checked", "yes")
    client.set_registered_model_alias("churn", "champion", "3")
    client.transition_model_version_stage("churn", "1", "Archived")
    client.create_registered_model("weights")
    client.create_model_version("weights", f"{default.info.artifact_uri}/model", run_id=default.info.run_id)
    client.create_registered_model("empty")
    if not uri.startswith("file:"):
        mlflow.set_experiment("churn")
        with mlflow.start_span("asked"):
            pass
        mlflow.flush_trace_async_logging()


def _place(uri: str, home: Path, name: str) -> str | None:
    return None if uri.startswith("file:") else (home / "artifacts" / name).as_uri()


def main() -> None:
    """Both stores."""
    target = Path(sys.argv[1]).resolve()
    for name in ("mlruns", "mlflow_db"):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            home.mkdir()
            os.chdir(home)
            fill((home / "mlruns").as_uri() if name == "mlruns" else f"sqlite:///{home}/mlflow.db", home)
            shutil.make_archive(str(target / name), "zip", home)


if __name__ == "__main__":
    main()
