"""Loads this model for MLflow's `pyfunc.load_model`; copied into its folder, where it stands alone."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np


class Model:
    """Takes a frame with the columns of the signature, gives a frame with its outputs."""

    def __init__(self, folder: Path) -> None:
        said = json.loads((folder / "stackcanvas.json").read_text())
        self._inputs = said["inputs"]
        self._outputs = said["outputs"]
        run = _onnx if said["format"] == "onnx" else _python
        self._run = run(folder, said)

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """The outputs for the rows of a pandas frame, or of columns by name."""
        del params
        pandas = importlib.import_module("pandas")
        rows = data if hasattr(data, "columns") else pandas.DataFrame(data)
        columns = {one["name"]: _column(rows[one["name"]].to_numpy(), one["dtype"]) for one in self._inputs}
        found = self._run(columns)
        shaped = {name: values if values.ndim == 1 else list(values) for name, values in found.items()}
        return pandas.DataFrame(shaped)


def _column(values: Any, dtype: str) -> Any:
    if dtype == "BYTES":
        return np.asarray(values, dtype=object)
    kinds = {"BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64"}
    return np.asarray(values).astype(kinds.get(dtype) or dtype.lower())


def _onnx(folder: Path, said: dict[str, Any]) -> Any:
    onnxruntime = importlib.import_module("onnxruntime")
    path = folder / said["runtime"].get("file", "model.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one["name"] for one in said["outputs"]]

    only = session.get_inputs()[0]

    def run(columns: dict[str, Any]) -> dict[str, Any]:
        given = {name: values.reshape(-1, 1) for name, values in columns.items()}
        if len(session.get_inputs()) == 1 and only.name not in given:  # all of them side by side
            given = {only.name: np.hstack(list(given.values())).astype("f8" if "double" in only.type else "f4")}
        found = session.run(names, given)
        return {
            one["name"]: np.asarray(values).reshape((-1, *one["shape"][1:]))
            for one, values in zip(said["outputs"], found, strict=True)
        }

    return run


def _python(folder: Path, said: dict[str, Any]) -> Any:
    del folder
    polars = importlib.import_module("polars")
    found: Any = importlib.import_module(said["runtime"]["module"])
    for part in said["runtime"]["function"].split("."):
        found = getattr(found, part)
    name = said["outputs"][0]["name"]
    return lambda columns: {name: np.asarray(found(polars.DataFrame(columns)))}


def _load_pyfunc(path: str) -> Model:
    return Model(Path(path).parent)
