"""MLflow's description of a model folder, the file `MLmodel`: read here, and written for models of this registry."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml

from stackcanvas.errors import BadInput
from stackcanvas.registry.signature import Input, Output, Signature
from stackcanvas.yamls import load_yaml

MLMODEL = "MLmodel"
PREDICTION = "prediction"
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "boolean": "BOOL",
        "integer": "INT32",
        "long": "INT64",
        "float": "FP32",
        "double": "FP64",
        "string": "BYTES",
    }
)
_NUMPY: Mapping[str, str] = MappingProxyType(
    {
        "bool": "BOOL",
        "int8": "INT8",
        "int16": "INT16",
        "int32": "INT32",
        "int64": "INT64",
        "uint8": "UINT8",
        "uint16": "UINT16",
        "uint32": "UINT32",
        "uint64": "UINT64",
        "float16": "FP16",
        "float32": "FP32",
        "float64": "FP64",
        "str": "BYTES",
        "object": "BYTES",
    }
)
_WIDEST = 10_000


@dataclass(frozen=True, slots=True)
class Described:
    """What an `MLmodel` says.

    Args:
        format: how the model is loaded here.
        runtime: the file that holds it, and how its answers are meant.
        python: the version that it was made with.
    """

    format: str
    signature: Signature
    runtime: Mapping[str, Any] = field(default_factory=dict)
    python: str | None = None


def read_mlmodel(content: bytes, files: Collection[str]) -> Described:
    """Read the description of a folder with these files.

    Raises:
        BadInput: it is no YAML, or not the description of a model.
    """
    try:
        said = load_yaml(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput("it cannot be read as YAML", where=MLMODEL) from error
    flavors = said.get("flavors") if isinstance(said, dict) else None
    if not isinstance(flavors, dict) or not all(isinstance(one, dict) for one in flavors.values()):
        raise BadInput("it names no flavors", where=MLMODEL, expected="what MLflow's save_model writes")
    function = flavors.get("python_function", {})
    format_, runtime = _runtime(flavors, files)
    signature, is_tensor = _signature(said.get("signature"))
    if is_tensor:
        runtime = {**runtime, "tensor": True}
    python = function.get("python_version")
    return Described(format_, signature, runtime, None if python is None else str(python))


def _runtime(flavors: Mapping[str, Any], files: Collection[str]) -> tuple[str, dict[str, Any]]:
    """The format, the file, and what the answer of the model is."""
    for flavor, endings, key in (
        ("onnx", (".onnx",), "data"),
        ("lightgbm", (".lgb", ".txt"), "data"),
        ("xgboost", (".ubj", ".json", ".xgb"), "data"),
    ):
        file = str(flavors.get(flavor, {}).get(key, ""))
        if file in files and file.endswith(endings):
            kind = str(flavors[flavor].get("model_class", ""))
            return flavor, {"file": file} | ({"answer": "label"} if kind.endswith("Classifier") else {})
    for flavor, key in (("sklearn", "pickled_model"), ("lightgbm", "data")):
        facts = flavors.get(flavor, {})
        file = str(facts.get(key, ""))
        if file in files and file.endswith(".skops"):
            function = flavors.get("python_function", {}).get("predict_fn") or "predict"
            return "skops", {"file": file, "function": str(function)}
    if flavors.get("sklearn", {}).get("pickled_model") in files:
        function = flavors.get("python_function", {}).get("predict_fn") or "predict"
        return "sklearn", {"file": flavors["sklearn"]["pickled_model"], "function": str(function)}
    return "python", {"mlflow": True}


def _signature(given: object) -> tuple[Signature, bool]:
    """Inputs and outputs; and whether the model takes one matrix instead of columns.

    What cannot be said in columns of plain values gives no inputs: such a model is kept, and not served.
    """
    if not isinstance(given, dict):
        return Signature((), ()), False
    inputs, is_tensor = _inputs(_fields(given.get("inputs")))
    return Signature(inputs, _outputs(_fields(given.get("outputs")))), is_tensor


def _fields(text: object) -> list[dict[str, Any]]:
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        raise BadInput("its signature is no JSON", where=MLMODEL) from None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _inputs(fields: list[dict[str, Any]]) -> tuple[tuple[Input, ...], bool]:
    if len(fields) == 1 and fields[0].get("type") == "tensor":
        dtype, shape = _tensor(fields[0])
        if dtype in {None, "BYTES"} or len(shape) != 2 or not 0 < shape[1] <= _WIDEST:
            return (), False
        return tuple(Input(f"x{at}", str(dtype), nullable=dtype.startswith("FP")) for at in range(shape[1])), True
    found = []
    for one in fields:
        name, dtype = one.get("name"), _TYPES.get(str(one.get("type")))
        if not isinstance(name, str) or not name or dtype is None:
            return (), False
        found.append(Input(name, dtype, nullable=dtype.startswith("FP")))
    return tuple(found), False


def _outputs(fields: list[dict[str, Any]]) -> tuple[Output, ...]:
    found = []
    for at, one in enumerate(fields):
        name = str(one.get("name") or (PREDICTION if len(fields) == 1 else f"{PREDICTION}_{at}"))
        if one.get("type") == "tensor":
            dtype, shape = _tensor(one)
            if dtype is None or any(side < 1 for side in shape[1:]):
                return ()
            found.append(Output(name, dtype, (-1, *shape[1:])))
        else:
            dtype = _TYPES.get(str(one.get("type")))
            if dtype is None:
                return ()
            found.append(Output(name, dtype, (-1,)))
    return tuple(found) or (Output(PREDICTION, "FP64", (-1,)),)


def _tensor(one: Mapping[str, Any]) -> tuple[str | None, tuple[int, ...]]:
    spec = one.get("tensor-spec")
    if not isinstance(spec, dict) or not isinstance(spec.get("shape"), list):
        return None, ()
    sides = spec["shape"]
    if not all(isinstance(side, int) for side in sides):
        return None, ()
    return _NUMPY.get(str(spec.get("dtype"))), tuple(sides)
