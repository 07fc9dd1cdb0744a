"""Predicting with an ONNX model that was registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import onnxruntime

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.registry.signature import Input, Signature, tensors

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")

FILE = "model.onnx"


class OnnxModel:
    """An ONNX model as it was registered.

    Args:
        content: the ONNX bytes.
        signature: as registered.
    """

    def __init__(self, content: bytes, signature: Signature) -> None:
        self.signature = signature
        self._session = session(content)

    def predict(self, frame: pl.DataFrame, /) -> dict[str, np.ndarray[Any, Any]]:
        """The outputs by name, for the rows of a frame that holds the model's columns."""
        found = run(self._session, frame, self.signature.inputs)
        names = [one.name for one in self.signature.outputs]
        if len(names) == len(found) and not set(names) & set(found):
            return dict(zip(names, found.values(), strict=True))  # a client's signature without the model's own names
        return found


def load(files: Mapping[str, bytes], signature: Signature, runtime: Mapping[str, Any]) -> OnnxModel:
    """The model in the files of a version."""
    return OnnxModel(files[runtime.get("file", FILE)], signature)


def session(content: bytes, *, threads: int = 1) -> onnxruntime.InferenceSession:
    """A runtime for the model.

    Raises:
        BadInput: the bytes are no ONNX model that can run here.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions have no common public base
        raise BadInput(f"the ONNX model cannot be loaded ({first_line(error)})") from error


def run(
    loaded: onnxruntime.InferenceSession, frame: pl.DataFrame, inputs: tuple[Input, ...]
) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs by name, for the rows of a frame.

    Raises:
        BadInput: the columns cannot be used, or the model fails on them.
    """
    names = [one.name for one in loaded.get_outputs()]
    given = tensors(frame, inputs)
    only = loaded.get_inputs()[0]
    if len(loaded.get_inputs()) == 1 and only.name not in given:  # one matrix, as clients write it
        matrix = np.hstack([given[one.name] for one in inputs])
        given = {only.name: matrix.astype(np.float64 if only.type == "tensor(double)" else np.float32)}
    try:
        return dict(zip(names, loaded.run(names, given), strict=True))
    except Exception as error:  # the runtime's own exceptions have no common public base
        raise BadInput(f"the ONNX model cannot run on these rows ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
