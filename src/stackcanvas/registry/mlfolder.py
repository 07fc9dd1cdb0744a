"""The files that make a version a model folder of MLflow, beside those that it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from stackcanvas.errors import Refused
from stackcanvas.registry.folders import FILES
from stackcanvas.registry.formats.mlmodel import MLMODEL
from stackcanvas.registry.signature import Signature
from stackcanvas.registry.versions import ModelVersion

_LOADER = "stackcanvas_model"
# Whole numbers and fractions of the wider kind: clients refuse to narrow what they are given.
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"BOOL": "boolean", "BYTES": "string", "FP32": "double", "FP64": "double"}
)


def folder_files(version: ModelVersion, *, example: str | None) -> dict[str, bytes]:
    """What must stand beside the files of a version, so that MLflow's `pyfunc.load_model` loads it.

    Files that do not say what model they are are given as they are.

    Args:
        example: the file that holds an input example.

    Raises:
        Refused: there are no files.
    """
    if MLMODEL in version.files or version.format == FILES:
        return {}
    if version.format not in _FLAVORS:
        raise Refused(f"{version.ref} is kept as {version.format}, which is no model that can be loaded")
    file = str(version.runtime.get("file", "model.onnx"))
    versions = dict(line.split("==", 1) for line in version.environment.get("requirements", ()) if "==" in line)
    flavor, function = _FLAVORS[version.format](file, versions)
    if "trusted" in version.runtime:
        flavor["sklearn"]["skops_trusted_types"] = list(version.runtime["trusted"])
    python = version.environment.get("python")
    function |= {"python_version": python, "env": {"virtualenv": "python_env.yaml"}}
    described: dict[str, Any] = {
        "flavors": {**flavor, "python_function": function},
        "model_uuid": version.digest[:32],
        "utc_time_created": f"{version.created:%Y-%m-%d %H:%M:%S.%f}",
        "model_size_bytes": version.size_bytes,
        "signature": _signature(version.signature),
        "metadata": {"stackcanvas": {"ref": str(version.ref), "version": version.version, "digest": version.digest}},
    }
    if example is not None:
        described["saved_input_example_info"] = {
            "artifact_path": example,
            "type": "dataframe",
            "pandas_orient": "records",
        }
    requirements = [*version.environment.get("requirements", ()), *_ALSO.get(version.format, ())]
    made = {
        MLMODEL: yaml.safe_dump(described, sort_keys=True).encode(),
        "requirements.txt": "".join(f"{line}\n" for line in requirements).encode(),
        "python_env.yaml": yaml.safe_dump({"python": python, "dependencies": ["-r requirements.txt"]}).encode(),
    }
    if function["loader_module"] == _LOADER:
        made[f"code/{_LOADER}.py"] = files("stackcanvas.registry.formats").joinpath("mlloader.py").read_bytes()
        facts = {"format": version.format, "runtime": dict(version.runtime), **version.signature.to_json()}
        made["stackcanvas.json"] = json.dumps(facts, sort_keys=True).encode()
    return made


def _onnx(file: str, versions: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    del versions
    flavor = {"onnx": {"data": file, "providers": ["CPUExecutionProvider"], "code": "code"}}
    return flavor, {"loader_module": _LOADER, "code": "code", "data": file}


def _lightgbm(file: str, versions: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    facts = {"data": file, "lgb_version": versions.get("lightgbm"), "model_class": "lightgbm.basic.Booster"}
    return {"lightgbm": {**facts, "code": None}}, {"loader_module": "mlflow.lightgbm", "data": file}


def _xgboost(file: str, versions: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    installed = versions.get("xgboost") or versions.get("xgboost-cpu")
    facts = {"data": file, "xgb_version": installed, "model_class": "xgboost.core.Booster", "model_format": "ubj"}
    return {"xgboost": {**facts, "code": None}}, {"loader_module": "mlflow.xgboost", "data": file}


def _sklearn(file: str, versions: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    written = "skops" if file.endswith(".skops") else "pickle"
    facts = {"pickled_model": file, "sklearn_version": versions.get("scikit-learn"), "serialization_format": written}
    function = {"loader_module": "mlflow.sklearn", "model_path": file, "predict_fn": "predict"}
    return {"sklearn": {**facts, "code": None, "skops_trusted_types": None}}, function


def _python(file: str, versions: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    del file, versions
    return {}, {"loader_module": _LOADER, "code": "code", "data": "stackcanvas.json"}


_FLAVORS = {
    "onnx": _onnx,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "sklearn": _sklearn,
    "skops": _sklearn,
    "python": _python,
}
_ALSO: Mapping[str, tuple[str, ...]] = MappingProxyType({"onnx": ("pandas",), "python": ("pandas",)})


def _signature(signature: Signature) -> dict[str, str]:
    inputs = [
        {"name": one.name, "type": _COLUMNS.get(one.dtype, "long"), "required": not one.nullable}
        for one in signature.inputs
    ]
    said = {"inputs": json.dumps(inputs)}
    if all(len(one.shape) == 1 for one in signature.outputs):
        outputs = [{"name": one.name, "type": _COLUMNS.get(one.dtype, "long")} for one in signature.outputs]
        said["outputs"] = json.dumps(outputs)
    return said
