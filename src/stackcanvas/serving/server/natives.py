"""Models that are not ONNX: trees by their own libraries, Python code in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stackcanvas.backends.runtimes.isolated import IsolatedModel
from stackcanvas.backends.runtimes.trees import FILES, Wanted, outputs, raw
from stackcanvas.errors import BadInput, Corrupt, Unavailable
from stackcanvas.serving.server.bundle import Model, stacked_order
from stackcanvas.serving.server.signature import NUMPY_TYPES, Array, Output, Rows, Signature


def load_lightgbm(
    files: Mapping[str, bytes], signature: Signature, where: str, threads: int, runtime: Mapping[str, Any]
) -> Model:
    """A LightGBM model, run by its library."""
    return _trees("lightgbm", files, signature, where, threads=threads, runtime=runtime)


def load_xgboost(
    files: Mapping[str, bytes], signature: Signature, where: str, threads: int, runtime: Mapping[str, Any]
) -> Model:
    """An XGBoost model, run by its library."""
    return _trees("xgboost", files, signature, where, threads=threads, runtime=runtime)


def load_skops(
    files: Mapping[str, bytes], signature: Signature, where: str, _threads: int, runtime: Mapping[str, Any]
) -> Model:
    """An estimator that skops wrote."""
    return _isolated("skops", files, signature, where, runtime=runtime)


def load_sklearn(
    files: Mapping[str, bytes], signature: Signature, where: str, _threads: int, runtime: Mapping[str, Any]
) -> Model:
    """A pickled estimator, whose running somebody agreed to."""
    return _isolated("sklearn", files, signature, where, runtime=runtime)


def load_python(
    files: Mapping[str, bytes], signature: Signature, where: str, _threads: int, runtime: Mapping[str, Any]
) -> Model:
    """Python code, whose running somebody agreed to."""
    return _isolated("python", files, signature, where, runtime=runtime)


def _trees(
    format: str,  # noqa: A002 - the word of the canvas
    files: Mapping[str, bytes],
    signature: Signature,
    where: str,
    *,
    threads: int,
    runtime: Mapping[str, Any],
) -> Model:
    file = runtime.get("file", FILES[format])
    if file not in files:
        raise Corrupt(f"the bundle holds no {file}", where=where)
    if any(group.dtype == "BYTES" for group in signature.groups):
        raise Corrupt("the model takes numbers and its signature names text", where=where)
    model = raw(format, files[file], where=where, threads=threads)
    order = stacked_order(signature)
    wanted = [
        Wanted(one.name, NUMPY_TYPES[one.dtype], one.shape[1:], spec.classes)
        for one, spec in zip(signature.outputs, signature.spec.outputs, strict=True)
    ]
    answer = str(runtime.get("answer", ""))

    def run(rows: Rows) -> list[Array]:
        # With one matrix the columns already stand in the signature's order.
        matrix = rows[0] if len(rows) == 1 else np.hstack(rows)[:, order]
        return outputs(model(matrix), wanted, answer=answer)

    return run


def _isolated(
    format: str,  # noqa: A002 - the word of the canvas
    files: Mapping[str, bytes],
    signature: Signature,
    where: str,
    *,
    runtime: Mapping[str, Any],
) -> Model:
    names = ["\0".join(column.name for column in group.columns) for group in signature.groups]
    facts = {
        "format": format,
        "runtime": dict(runtime),
        "inputs": [tensor.name for tensor in signature.tensors],
        "outputs": [{"name": one.name} for one in signature.outputs],
    }
    try:
        model = IsolatedModel(files, facts, where=where)
    except BadInput as error:
        if error.what.startswith(ModuleNotFoundError.__name__):
            fix = "Install what its requirements.txt names where the stack runs"
            raise Unavailable(f"the model cannot be loaded: {error.what}", where=where, fix=fix) from error
        raise Corrupt(f"the model cannot be loaded: {error.what}", where=where) from error

    def run(rows: Rows) -> list[Array]:
        found = model.predict(list(zip(names, rows, strict=True)))
        return [_shaped(found[one.name], one, len(rows[0])) for one in signature.outputs]

    return run


def _shaped(values: Array, output: Output, count: int) -> Array:
    return values.astype(NUMPY_TYPES[output.dtype], copy=False).reshape((count, *output.shape[1:]))
