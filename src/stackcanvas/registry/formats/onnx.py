"""ONNX: the form in which scikit-learn models are kept and served, checked against the model before it is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import onnx
from onnxruntime import InferenceSession
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from stackcanvas.errors import BadInput, Refused
from stackcanvas.late import late
from stackcanvas.registry.formats.base import Agreement, Exported
from stackcanvas.registry.formats.onnx_convert import INPUT_TYPES, convert, other_form
from stackcanvas.registry.formats.onnx_runtime import FILE, run, session
from stackcanvas.registry.signature import Input, Output, Signature, infer_inputs

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")

_ROUNDING = 1e-4
_RUNTIME_TYPES = {
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(int64)": "INT64",
    "tensor(int32)": "INT32",
    "tensor(bool)": "BOOL",
    "tensor(string)": "BYTES",
}


def export(model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
    """Convert a fitted scikit-learn estimator, or take an ONNX model as it is.

    Args:
        model: an estimator or a pipeline of them; or ONNX as bytes or as the parsed message.
        sample: rows with the columns that the model was trained on, in the same types.
        tolerance: the largest difference between the two that is accepted.

    Raises:
        BadInput: the model or the sample cannot be used.
        Refused: the converted model gives other answers.
    """
    if sample.is_empty():
        raise BadInput("the sample has no rows", expected="some rows of the features that the model was trained on")
    if isinstance(model, bytes | onnx.ModelProto):
        return _taken(model if isinstance(model, bytes) else model.SerializeToString(), sample)
    if not isinstance(model, BaseEstimator):
        raise BadInput(
            f"a {type(model).__module__}.{type(model).__qualname__} cannot be registered as ONNX",
            expected="a fitted scikit-learn estimator, or ONNX bytes",
        )
    if is_classifier(model) and not hasattr(model, "predict_proba"):
        raise BadInput(
            f"{type(model).__name__} gives no probabilities",
            fix="Wrap it in a CalibratedClassifierCV, or set its option for probabilities",
        )
    sample = _as_trained(model, sample)
    inputs = infer_inputs(sample)
    converted = convert(model, sample, inputs)
    loaded = session(converted)
    outputs, agreement = _compared(model, sample, run(loaded, sample, inputs), tolerance)
    inputs = tuple(replace(one, nullable=_takes_missing(model, loaded, sample, inputs, one)) for one in inputs)
    return Exported({FILE: converted}, Signature(inputs, outputs), agreement)


def _as_trained(model: BaseEstimator, sample: pl.DataFrame) -> pl.DataFrame:
    """The sample with the columns in the order in which the model saw them."""
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        missing = sorted(set(names) - set(sample.columns))
        extra = sorted(set(sample.columns) - set(names))
        if missing or extra:
            raise BadInput(
                "the sample has other columns than the model was trained on"
                + (f"; missing: {', '.join(missing)}" if missing else "")
                + (f"; not known to the model: {', '.join(extra)}" if extra else "")
            )
        return sample.select(list(names))
    count = getattr(model, "n_features_in_", None)
    if count is not None and count != sample.width:
        raise BadInput(f"the sample has {sample.width} columns and the model was trained on {count}")
    return sample


def _takes_missing(
    model: Any, loaded: InferenceSession, sample: pl.DataFrame, inputs: tuple[Input, ...], one: Input
) -> bool:
    """Whether the model answers, and both forms of it alike, when a value of this column is missing.

    Whether one happens to be missing in the sample says little: the signature would change from training to training.
    """
    if one.dtype != "FP32":
        return False
    row = sample.head(1).with_columns(pl.lit(None, dtype=pl.Float32).alias(one.name))
    try:
        _, differences = _differences(model, row, run(loaded, row, inputs))
    except ValueError:  # how estimators refuse NaN
        return False
    return bool((differences <= _ROUNDING).all())


def _compared(
    model: Any, sample: pl.DataFrame, produced: dict[str, np.ndarray[Any, Any]], tolerance: float
) -> tuple[tuple[Output, ...], Agreement]:
    """What the model gives, and how far the converted one is from it."""
    outputs, differences = _differences(model, sample, produced)
    beyond = ~(differences <= tolerance)  # a NaN is beyond, too
    worst = float(differences.max())
    if beyond.any():
        raise Refused(
            f"the model and its ONNX form differ by up to {worst:.3g} on {beyond.sum()} of {len(differences)} rows "
            f"of the sample; {tolerance:g} is allowed",
            fix="Train on columns in single precision (Float32)",
        )
    return outputs, Agreement(len(differences), worst, tolerance)


def _differences(
    model: Any, sample: pl.DataFrame, produced: dict[str, np.ndarray[Any, Any]]
) -> tuple[tuple[Output, ...], np.ndarray[Any, Any]]:
    # Estimators that were fitted without names warn when they are given some.
    rows = sample if hasattr(model, "feature_names_in_") else sample.to_numpy()
    if is_classifier(model):
        return _classified(model, rows, produced)
    if is_regressor(model):
        return _regressed(model, rows, produced)
    raise BadInput(f"{type(model).__name__} is neither a classifier nor a regressor", fix=other_form(model))


def _classified(
    model: Any, rows: Any, produced: dict[str, np.ndarray[Any, Any]]
) -> tuple[tuple[Output, ...], np.ndarray[Any, Any]]:
    expected = np.asarray(model.predict_proba(rows))
    classes = tuple(model.classes_.tolist())
    label = Output("label", "BYTES" if produced["label"].dtype.kind in "OU" else "INT64", (-1,))
    if "probability" in produced:
        differences = np.abs(produced["probability"] - expected[:, 1])
        return (label, Output("probability", "FP32", (-1,), classes)), differences
    differences = np.abs(produced["probabilities"].reshape(expected.shape) - expected).max(axis=1)
    return (label, Output("probabilities", "FP32", (-1, len(classes)), classes)), differences


def _regressed(
    model: Any, rows: Any, produced: dict[str, np.ndarray[Any, Any]]
) -> tuple[tuple[Output, ...], np.ndarray[Any, Any]]:
    expected = np.asarray(model.predict(rows), dtype=np.float64)
    found = produced["prediction"]
    differences = np.abs(found.reshape(expected.shape) - expected) / (1 + np.abs(expected))
    outputs = (Output("prediction", "FP32", (-1, *found.shape[1:])),)
    return outputs, differences.reshape(len(differences), -1).max(axis=1)


def _taken(content: bytes, sample: pl.DataFrame) -> Exported:
    """A model that is ONNX already: its signature, and proof that it runs on the sample."""
    loaded = session(content)
    columns = {one.name: one for one in infer_inputs(sample)}
    inputs = list(columns.values()) if _takes_matrix(loaded, sample) else []
    for one in [] if inputs else loaded.get_inputs():
        dtype = _RUNTIME_TYPES.get(one.type)
        if one.name not in columns or dtype not in INPUT_TYPES or list(one.shape[1:]) != [1]:
            raise BadInput(
                f"the ONNX model takes the tensor {one.name!r} of type {one.type} and shape {list(one.shape)}",
                expected=f"one matrix of as many numbers as the sample has columns ({sample.width}), or one tensor of "
                f"shape [rows, 1] for each of them, of {', '.join(INPUT_TYPES)}",
            )
        inputs.append(Input(one.name, dtype, columns[one.name].nullable))
    produced = run(loaded, sample, tuple(inputs))
    kinds = {one.name: _RUNTIME_TYPES.get(one.type, one.type) for one in loaded.get_outputs()}
    outputs = tuple(Output(name, kinds[name], (-1, *np.asarray(value).shape[1:])) for name, value in produced.items())
    return Exported({FILE: content}, Signature(tuple(inputs), outputs), None)


def _takes_matrix(loaded: InferenceSession, sample: pl.DataFrame) -> bool:
    """Whether the model takes all columns side by side, as PyTorch and others write it."""
    only, *others = loaded.get_inputs()
    if others or only.name in sample.columns or only.type not in {"tensor(float)", "tensor(double)"}:
        return False
    is_wide = len(only.shape) == 2 and (not isinstance(only.shape[1], int) or only.shape[1] == sample.width)
    return is_wide and pl.String not in sample.dtypes
