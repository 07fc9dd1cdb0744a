"""Predicting with models that are not ONNX: the runtimes of `backends/runtimes` behind the shape of every model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcanvas.backends.runtimes.isolated import IsolatedModel
from stackcanvas.backends.runtimes.trees import FILES, Raw, Wanted, outputs, raw
from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.registry.signature import Output, Signature, numpy_type, tensors

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
else:
    np = late("numpy")

Arrays: TypeAlias = "dict[str, np.ndarray[Any, Any]]"


class TreeModel:
    """A LightGBM or XGBoost model as it was registered.

    Args:
        run: the model.
        signature: as registered.
        runtime: as registered.
    """

    def __init__(self, run: Raw, signature: Signature, runtime: Mapping[str, Any]) -> None:
        self.signature = signature
        self._run = run
        self._answer = str(runtime.get("answer", ""))
        self._wanted = [
            Wanted(one.name, numpy_type(one.dtype), tuple(one.shape[1:]), one.classes) for one in signature.outputs
        ]

    def predict(self, frame: pl.DataFrame, /) -> Arrays:
        """The outputs by name, for the rows of a frame that holds the model's columns."""
        given = tensors(frame, self.signature.inputs)
        matrix = np.hstack([given[one.name] for one in self.signature.inputs])
        found = outputs(self._run(matrix), self._wanted, answer=self._answer)
        return dict(zip((one.name for one in self._wanted), found, strict=True))


class ProcessModel:
    """A model that runs in a process of its own."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        signature: Signature,
        runtime: Mapping[str, Any],
        *,
        format: str,  # noqa: A002 - the word of the canvas
    ) -> None:
        self.signature = signature
        facts = {"format": format, "runtime": dict(runtime), **signature_facts(signature)}
        self._model = IsolatedModel(files, facts, where=f"the {format} model")

    def predict(self, frame: pl.DataFrame, /) -> Arrays:
        """The outputs by name, for the rows of a frame that holds the model's columns."""
        given = tensors(frame, self.signature.inputs)
        found = self._model.predict([(name, values[:, 0]) for name, values in given.items()])
        return {one.name: shaped(found[one.name], one, frame.height) for one in self.signature.outputs}

    def close(self) -> None:
        """End the process."""
        self._model.close()


def signature_facts(signature: Signature) -> dict[str, Any]:
    """What a process that runs a model must know of its signature."""
    return {
        "inputs": [one.name for one in signature.inputs],
        "outputs": [{"name": one.name} for one in signature.outputs],
    }


def shaped(values: np.ndarray[Any, Any], output: Output, rows: int) -> np.ndarray[Any, Any]:
    """An output as its signature says it.

    Raises:
        BadInput: the model gave something else.
    """
    try:
        return values.astype(numpy_type(output.dtype), copy=False).reshape((rows, *output.shape[1:]))
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"the model gave {output.name!r} as {values.dtype} of the shape {list(values.shape)}",
            expected=f"{output.dtype} of the shape {[rows, *output.shape[1:]]}",
        ) from error


def load_lightgbm(files: Mapping[str, bytes], signature: Signature, runtime: Mapping[str, Any]) -> TreeModel:
    """A LightGBM model in the files of a version."""
    return _tree("lightgbm", files, signature, runtime)


def load_xgboost(files: Mapping[str, bytes], signature: Signature, runtime: Mapping[str, Any]) -> TreeModel:
    """An XGBoost model in the files of a version."""
    return _tree("xgboost", files, signature, runtime)


def load_sklearn(files: Mapping[str, bytes], signature: Signature, runtime: Mapping[str, Any]) -> ProcessModel:
    """A pickled estimator in the files of a version."""
    return ProcessModel(files, signature, runtime, format="sklearn")


def load_skops(files: Mapping[str, bytes], signature: Signature, runtime: Mapping[str, Any]) -> ProcessModel:
    """An estimator that skops wrote, in the files of a version."""
    return ProcessModel(files, signature, runtime, format="skops")


def load_python(files: Mapping[str, bytes], signature: Signature, runtime: Mapping[str, Any]) -> ProcessModel:
    """Python code in the files of a version."""
    return ProcessModel(files, signature, runtime, format="python")


def _tree(
    format: str,  # noqa: A002 - the word of the canvas
    files: Mapping[str, bytes],
    signature: Signature,
    runtime: Mapping[str, Any],
) -> TreeModel:
    content = files[runtime.get("file", FILES[format])]
    return TreeModel(raw(format, content, where=f"the {format} model"), signature, runtime)
