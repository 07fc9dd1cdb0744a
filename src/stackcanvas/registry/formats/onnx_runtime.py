"""Predicting with an ONNX model that was registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
import polars as pl

from stackcanvas.errors import BadInput
from stackcanvas.registry.signature import Input, Signature, tensors

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
        return run(self._session, frame, self.signature.inputs)


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
    try:
        return dict(zip(names, loaded.run(names, given), strict=True))
    except Exception as error:  # the runtime's own exceptions have no common public base
        raise BadInput(f"the ONNX model cannot run on these rows ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
