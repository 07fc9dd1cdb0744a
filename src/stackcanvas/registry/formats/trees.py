"""LightGBM and XGBoost models, kept as the files of their own libraries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcanvas.backends.runtimes.trees import FILES, Wanted, installed, outputs, raw
from stackcanvas.errors import BadInput, Refused
from stackcanvas.late import late
from stackcanvas.registry.formats.base import Agreement, Exported
from stackcanvas.registry.signature import Input, Output, Signature, infer_exact, numpy_type, tensors

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")

_Array: TypeAlias = "np.ndarray[Any, Any]"


def export_lightgbm(model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
    """Keep a LightGBM model, from either of its interfaces, as text.

    Raises:
        BadInput: it is none, or the sample does not fit it.
        Refused: the kept form gives other answers.
    """
    library = installed("lightgbm")
    wrapped = isinstance(model, library.LGBMModel)
    if not wrapped and not isinstance(model, library.Booster):
        raise _no(model, "lightgbm")
    booster: Any = model.booster_ if wrapped else model  # type: ignore[attr-defined]
    content = booster.model_to_string().encode()
    objective = str(booster.dump_model(num_iteration=1).get("objective", ""))
    classes = _classes(model, booster.num_model_per_iteration(), binary=objective.startswith("binary"))
    expected = _expected(model, sample, classes, lambda: booster.predict(sample.to_numpy()))
    return _kept(
        "lightgbm", content, sample, names=_count(sample, booster.num_feature()), classes=classes,
        expected=expected, tolerance=tolerance,
    )  # fmt: skip


def export_xgboost(model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
    """Keep an XGBoost model, from either of its interfaces, in its binary JSON.

    Raises:
        BadInput: it is none, or the sample does not fit it.
        Refused: the kept form gives other answers.
    """
    library = installed("xgboost")
    wrapped = isinstance(model, library.XGBModel)
    if not wrapped and not isinstance(model, library.Booster):
        raise _no(model, "xgboost")
    booster: Any = model.get_booster() if wrapped else model  # type: ignore[attr-defined]
    best = getattr(booster, "best_iteration", None) if wrapped and booster.attr("best_iteration") else None
    if best is not None:
        booster = booster[: best + 1]  # what the model itself predicts with after it stopped early
    content = bytes(booster.save_raw("ubj"))
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    many = int(learner["learner_model_param"].get("num_class", 0)) if objective.startswith("multi:") else 1
    classes = _classes(model, many, binary=objective == "binary:logistic")
    if objective == "multi:softmax":
        raise BadInput("a model of multi:softmax gives classes without probabilities", fix="Train with multi:softprob")
    expected = _expected(
        model, sample, classes, lambda: booster.inplace_predict(sample.to_numpy(), validate_features=False)
    )
    names = _count(sample, booster.num_features())
    return _kept("xgboost", content, sample, names=names, classes=classes, expected=expected, tolerance=tolerance)


def _no(model: object, format: str) -> BadInput:  # noqa: A002 - the word of the canvas
    kind = type(model)
    return BadInput(f"a {kind.__module__}.{kind.__qualname__} is no model of {format}")


def _count(sample: pl.DataFrame, features: int) -> list[str]:
    if sample.is_empty():
        raise BadInput("the sample has no rows", expected="some rows of the features that the model was trained on")
    if sample.width != features:
        raise BadInput(f"the sample has {sample.width} columns and the model was trained on {features}")
    return sample.columns


def _classes(model: object, many: int, *, binary: bool) -> tuple[Any, ...]:
    """What probabilities stand for; none for models that give a number."""
    known = getattr(model, "classes_", None)
    if known is not None:
        return tuple(np.asarray(known).tolist())
    if binary:
        return (0, 1)
    return tuple(range(many)) if many > 1 else ()


def _expected(model: Any, sample: pl.DataFrame, classes: Sequence[Any], own: Any) -> _Array:
    if not hasattr(model, "fit"):
        return np.asarray(own())
    rows = sample.to_numpy()
    if not classes:
        return np.asarray(model.predict(rows))
    shares = np.asarray(model.predict_proba(rows))
    return shares[:, 1] if len(classes) == 2 else shares


def _kept(
    format: str,  # noqa: A002 - the word of the canvas
    content: bytes,
    sample: pl.DataFrame,
    *,
    names: Sequence[str],
    classes: tuple[Any, ...],
    expected: _Array,
    tolerance: float,
) -> Exported:
    """The file and its signature, once what it gives is what the model gives."""
    inputs = infer_exact(sample.select(names), nullable=True)
    if format == "xgboost":  # it computes in single precision whatever it is given
        inputs = tuple(replace(one, dtype="FP32") if one.dtype == "FP64" else one for one in inputs)
    _refuse_text(inputs)
    given = tensors(sample, inputs)
    found = raw(format, content, where="the kept model")(np.hstack([given[one.name] for one in inputs]))
    signature = Signature(inputs, _outputs(classes, found, double=format == "lightgbm"))
    last = signature.outputs[-1]
    kept = outputs(found, [Wanted(last.name, numpy_type(last.dtype), tuple(last.shape[1:]))])[0]
    scale = 1 if classes else 1 + np.abs(expected)
    differences = np.abs(kept - expected.reshape(kept.shape)) / np.asarray(scale).reshape(-1, *[1] * (kept.ndim - 1))
    beyond = ~(differences <= tolerance)
    worst = float(np.max(differences))
    if beyond.any():
        raise Refused(
            f"the model and its {format} file differ by up to {worst:.3g} on the sample; {tolerance:g} is allowed",
            fix="Train on columns in single precision (Float32)",
        )
    file = FILES[format]
    return Exported({file: content}, signature, Agreement(sample.height, worst, tolerance), {"file": file})


def _refuse_text(inputs: Sequence[Input]) -> None:
    texts = [one.name for one in inputs if one.dtype == "BYTES"]
    if texts:
        raise BadInput(
            f"column {texts[0]!r} of the sample is text, which trees cannot take", fix="Encode it as numbers"
        )


def _outputs(classes: tuple[Any, ...], found: _Array, *, double: bool) -> tuple[Output, ...]:
    number = "FP64" if double else "FP32"
    if not classes:
        return (Output("prediction", number, (-1, *found.shape[1:])),)
    label = Output("label", "BYTES" if isinstance(classes[0], str) else "INT64", (-1,), classes)
    if len(classes) == 2:
        return (label, Output("probability", number, (-1,), classes))
    return (label, Output("probabilities", number, (-1, len(classes)), classes))
