"""scikit-learn estimators as they are: written by skops, which can be read safely, or pickled, which cannot."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import get_tags

from stackcanvas.errors import BadInput, Refused
from stackcanvas.late import late
from stackcanvas.registry.formats.base import Agreement, Exported
from stackcanvas.registry.formats.loaded import ProcessModel
from stackcanvas.registry.signature import Output, Signature, infer_exact

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")


def export_sklearn(model: object, sample: pl.DataFrame, *, tolerance: float) -> Exported:
    """Keep a fitted estimator as a pickle.

    It is loaded in a process of its own only, and only when somebody agreed to run it.

    Raises:
        BadInput: it is none, or cannot be pickled.
        Refused: the kept form gives other answers.
    """
    try:
        content = pickle.dumps(model, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise BadInput(f"{type(model).__name__} cannot be pickled: {error}") from error
    return estimator("sklearn", "model.pkl", content, model, sample, tolerance=tolerance)


def estimator(
    format: str,  # noqa: A002 - the word of the canvas
    file: str,
    content: bytes,
    model: object,
    sample: pl.DataFrame,
    *,
    tolerance: float,
    trusted: Sequence[str] = (),
) -> Exported:
    """An estimator whose bytes are made, once a process of its own gives the same answers with them.

    Args:
        trusted: types in the bytes that whoever reads them must name.
    """
    if not isinstance(model, BaseEstimator):
        raise BadInput(
            f"a {type(model).__module__}.{type(model).__qualname__} cannot be registered as {format}",
            expected="a fitted scikit-learn estimator",
        )
    if sample.is_empty():
        raise BadInput("the sample has no rows", expected="some rows of the features that the model was trained on")
    inputs = infer_exact(sample, nullable=get_tags(model).input_tags.allow_nan)
    rows: Any = sample if hasattr(model, "feature_names_in_") else sample.to_numpy()
    outputs, expected = _expected(model, rows)
    runtime: Mapping[str, Any] = {"file": file, **({"trusted": list(trusted)} if trusted else {})}
    signature = Signature(inputs, outputs)
    kept = ProcessModel({file: content}, signature, runtime, format=format)
    try:
        found = kept.predict(sample)[outputs[-1].name]
    finally:
        kept.close()
    agreement = agreed(found, expected, tolerance, format)
    return Exported({file: content}, signature, agreement, runtime)


def agreed(found: Any, expected: Any, tolerance: float, format: str) -> Agreement:  # noqa: A002 - as above
    """How far two forms of a model are apart.

    Raises:
        Refused: too far.
    """
    differences = np.abs(
        np.asarray(found, dtype=np.float64) - np.asarray(expected, dtype=np.float64).reshape(found.shape)
    )
    worst = float(np.max(differences))
    if not worst <= tolerance:  # also when it is no number
        raise Refused(f"the model and its {format} form differ by up to {worst:.3g}; {tolerance:g} is allowed")
    return Agreement(len(found), worst, tolerance)


def _expected(model: Any, rows: Any) -> tuple[tuple[Output, ...], Any]:
    if is_classifier(model) and hasattr(model, "predict_proba"):
        shares = np.asarray(model.predict_proba(rows))
        classes = tuple(np.asarray(model.classes_).tolist())
        label = Output("label", "BYTES" if isinstance(classes[0], str) else "INT64", (-1,), classes)
        if len(classes) == 2:
            return (label, Output("probability", "FP64", (-1,), classes)), shares[:, 1]
        return (label, Output("probabilities", "FP64", (-1, len(classes)), classes)), shares
    found = np.asarray(model.predict(rows), dtype=np.float64)
    return (Output("prediction", "FP64", (-1, *found.shape[1:])),), found
