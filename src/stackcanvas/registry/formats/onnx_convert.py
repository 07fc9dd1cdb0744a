"""From a scikit-learn model to ONNX that computes in single precision.

Linear models and neural networks then differ by rounding only. Trees compare a value with a threshold, and rounding can
decide that otherwise: with histogram gradient boosting, whose thresholds are in double precision and often lie right on
values of the training data, probabilities were seen to move by 0.3. So:

- Columns of the sample are in single precision or whole numbers: each threshold is rounded *down* to single precision.
  For such a value x, x <= threshold holds exactly when it holds for the rounded one.
- Some are in double precision: values will be rounded to the nearest number in single precision on their way in, so
  thresholds are rounded the same way. Rounding keeps order, so that only values closer to a threshold than single
  precision can tell apart may go the other way.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import onnx
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import BooleanTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.registry.formats.onnx_runtime import first_line
from stackcanvas.registry.signature import Input

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")
    pl = late("polars")

_INSIDE = "__model_"  # before the names of tensors inside the graph, so that no column is called like one
_STACKED = f"{_INSIDE}stacked"
# What every ONNX Runtime since 1.15 reads; the tree operators of ai.onnx.ml 5 are read by fewer.
_OPSETS = {"": 18, "ai.onnx.ml": 3}
INPUT_TYPES = {"FP32": FloatTensorType, "INT64": Int64TensorType, "BOOL": BooleanTensorType, "BYTES": StringTensorType}
_ELEMENTS = {"FP32": TensorProto.FLOAT, "INT64": TensorProto.INT64, "BOOL": TensorProto.BOOL}


def convert(model: BaseEstimator, sample: pl.DataFrame, inputs: tuple[Input, ...]) -> bytes:
    """The model as ONNX bytes, with one input of shape [rows, 1] for each column.

    Raises:
        BadInput: the converter does not know the model, or the model cannot take a column as it is.
    """
    double = any(dtype == pl.Float64 for dtype in sample.dtypes)
    rounded = _with_single_thresholds(model, down=not double)
    by_column = _takes_columns(model)
    if by_column:
        types = [(one.name, INPUT_TYPES[one.dtype]([None, 1])) for one in inputs]
    else:
        texts = [one.name for one in inputs if one.dtype == "BYTES"]
        if texts:
            raise BadInput(
                f"column {texts[0]!r} of the sample is text, which the model itself cannot take",
                fix="Encode it in a ColumnTransformer that is part of the model",
            )
        types = [(_STACKED, FloatTensorType([None, len(inputs)]))]
    options = {id(rounded): {"zipmap": False}} if is_classifier(model) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = convert_sklearn(
                rounded, initial_types=types, options=options, target_opset=_OPSETS, naming=_INSIDE
            )
    except Exception as error:  # the converter raises what it meets: its own types, runtime and value errors
        said = f"{type(model).__name__} cannot be converted to ONNX ({first_line(error)})"
        raise BadInput(said, fix=other_form(model)) from error
    if is_regressor(model):
        _rename_output(converted.graph, "prediction")
    elif is_classifier(model) and len(model.classes_) == 2:
        _keep_probability(converted.graph)
    if not by_column:
        _stack(converted.graph, inputs)
    taken = {name for node in converted.graph.node for name in node.output} & {one.name for one in inputs}
    if taken:
        raise BadInput(f"the column name {min(taken)!r} is that of an output of the model", fix="Rename the column")
    converted.graph.name = type(model).__name__  # else a random one, and equal models would not have equal bytes
    content: bytes = converted.SerializeToString(deterministic=True)
    return content


def other_form(model: object) -> str:
    """How to keep a model that ONNX does not hold."""
    library = type(model).__module__.partition(".")[0]
    return f'Keep it as it is: format="{library if library in {"lightgbm", "xgboost"} else "skops"}"'


def _takes_columns(model: BaseEstimator) -> bool:
    """Whether the model picks columns by name, so that each must be an input of its own."""
    while isinstance(model, Pipeline):
        model = model.steps[0][1]
    return isinstance(model, ColumnTransformer)


def _stack(graph: onnx.GraphProto, inputs: tuple[Input, ...]) -> None:
    """Let the graph take single columns, and put them side by side as the model saw them."""
    casts = [
        helper.make_node("Cast", [one.name], [f"{_INSIDE}column{position}"], to=TensorProto.FLOAT)
        for position, one in enumerate(inputs)
    ]
    stacked = helper.make_node("Concat", [cast.output[0] for cast in casts], [_STACKED], axis=1)
    nodes = [*casts, stacked, *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(helper.make_tensor_value_info(one.name, _ELEMENTS[one.dtype], [None, 1]) for one in inputs)


def _keep_probability(graph: onnx.GraphProto) -> None:
    """Give of two classes the probability of the second only, one number a row."""
    _rename_output(graph, f"{_INSIDE}probabilities", of="probabilities")
    second = helper.make_tensor(f"{_INSIDE}second", TensorProto.INT64, [], [1])
    graph.initializer.append(second)
    graph.node.append(helper.make_node("Gather", [f"{_INSIDE}probabilities", second.name], ["probability"], axis=1))
    kept = [output for output in graph.output if output.name != f"{_INSIDE}probabilities"]
    del graph.output[:]
    graph.output.extend([*kept, helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None])])


def _rename_output(graph: onnx.GraphProto, name: str, *, of: str | None = None) -> None:
    """Call an output by another name, the first unless its name is given."""
    output = next(output for output in graph.output if of in {None, output.name})
    old, output.name = output.name, name
    for node in graph.node:
        node.output[:] = [name if made == old else made for made in node.output]
        node.input[:] = [name if given == old else given for given in node.input]


def _with_single_thresholds(model: BaseEstimator, *, down: bool) -> BaseEstimator:
    """A copy of the model whose histogram trees have thresholds in single precision."""
    if not any(_histograms(model)):
        return model
    rounded = copy.deepcopy(model)
    for trees in _histograms(rounded):
        for tree in (tree for iteration in trees._predictors for tree in iteration):  # noqa: SLF001 - kept nowhere else
            nodes = tree.nodes.copy()
            nodes["num_threshold"] = single(nodes["num_threshold"], down=down)
            tree.nodes = nodes
    return rounded


def single(thresholds: np.ndarray[Any, Any], *, down: bool) -> np.ndarray[Any, Any]:
    """Numbers rounded to single precision, downward or to the nearest, still stored in double precision.

    Example:
        >>> float(single(np.array([0.1]), down=False)[0]) > 0.1 > float(single(np.array([0.1]), down=True)[0])
        True
    """
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    if down:
        below = np.nextafter(nearest, np.float32(-np.inf))
        nearest = np.where(nearest.astype(np.float64) > thresholds, below, nearest)
    return nearest.astype(np.float64)


def _histograms(found: object, seen: set[int] | None = None) -> Iterator[Any]:
    """The histogram gradient boosting models in a model, however deep: in pipelines, ensembles, calibration."""
    seen = set() if seen is None else seen
    if id(found) in seen:
        return
    seen.add(id(found))
    if isinstance(found, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        if hasattr(found, "_predictors"):  # templates inside ensembles are never fitted
            yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from _histograms(value, seen)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from _histograms(value, seen)
    elif isinstance(found, BaseEstimator) or type(found).__module__.startswith("sklearn."):
        yield from _histograms(getattr(found, "__dict__", {}), seen)
