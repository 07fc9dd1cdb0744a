"""Small ONNX models whose answers can be worked out by hand, with their signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_TENSORS = {
    "FP32": TensorProto.FLOAT,
    "INT64": TensorProto.INT64,
    "BYTES": TensorProto.STRING,
    "BOOL": TensorProto.BOOL,
}
DELAY_INPUTS: list[dict[str, Any]] = [
    {"name": "wind", "dtype": "FP32", "nullable": True},
    {"name": "month", "dtype": "INT64"},
    {"name": "carrier", "dtype": "BYTES"},
    {"name": "night", "dtype": "BOOL"},
]
DELAY_OUTPUTS: list[dict[str, Any]] = [
    {"name": "probability", "dtype": "FP32", "shape": [-1]},
    {"name": "label", "dtype": "INT64", "shape": [-1]},
    {"name": "who", "dtype": "BYTES", "shape": [-1]},
]


def _model(nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], constants: Sequence[Any] = ()) -> bytes:
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


def delay_model(shift: float = 0.0) -> bytes:
    """The probability is sigmoid(wind / 10 + month / 12 + shift); a missing wind is 0, a month beyond 11 raises."""
    table = numpy_helper.from_array((np.arange(12) / 12 + shift).astype(np.float32), "table")
    numbers = {"zero": np.float32(0), "tenth": np.float32(0.1), "half": np.float32(0.5), "flat": np.array([-1])}
    constants = [table, *(numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items())]
    nodes = [
        helper.make_node("IsNaN", ["wind"], ["gone"]),
        helper.make_node("Where", ["gone", "zero", "wind"], ["blown"]),
        helper.make_node("Mul", ["blown", "tenth"], ["a"]),
        helper.make_node("Gather", ["table", "month"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["d"]),
        helper.make_node("Reshape", ["d", "flat"], ["probability"]),
        helper.make_node("Greater", ["probability", "half"], ["e"]),
        helper.make_node("Cast", ["e"], ["label"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["carrier", "flat"], ["who"]),
        helper.make_node("Not", ["night"], ["unused"]),
    ]
    inputs = [helper.make_tensor_value_info(one["name"], _TENSORS[one["dtype"]], [None, 1]) for one in DELAY_INPUTS]
    outputs = [helper.make_tensor_value_info(one["name"], _TENSORS[one["dtype"]], [None]) for one in DELAY_OUTPUTS]
    return _model(nodes, inputs, outputs, constants)


def matrix_model(width: int = 3) -> bytes:
    """The total is the sum of a row of a matrix."""
    axes = numpy_helper.from_array(np.array([1]), "axes")
    node = helper.make_node("ReduceSum", ["input", "axes"], ["total"], keepdims=0)
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, width])
    return _model([node], [given], [helper.make_tensor_value_info("total", TensorProto.FLOAT, [None])], [axes])


def log_model() -> bytes:
    """The answer is log(x), which is not a number for x below 0."""
    node = helper.make_node("Log", ["x"], ["answer"])
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    return _model([node], [given], [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [None, 1])])
