"""A bundle on disk becomes a model in memory: verified byte for byte, loaded from those bytes, warmed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from blake3 import blake3

from stackcanvas.errors import Corrupt, Unavailable
from stackcanvas.late import late
from stackcanvas.serving.server.documents import BundleSpec, decode
from stackcanvas.serving.server.signature import NUMPY_TYPES, Array, Output, Rows, Signature

if TYPE_CHECKING:
    import onnxruntime
else:
    onnxruntime = late("onnxruntime")

Model = Callable[[Rows], list[Array]]
"""Runs rows and gives one array for each output of the signature, each with one entry a row."""

_UNNAMED = "prediction"  # the one output of a signature that gives it no name
_ONNX_TYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}


class Bundle:
    """One model version, ready to answer."""

    def __init__(self, digest: str, spec: BundleSpec, signature: Signature, model: Model) -> None:
        self.digest = digest
        self.spec = spec
        self.signature = signature
        self.run = model


def load_bundle(folder: Path, *, threads: int = 1) -> Bundle:
    """The bundle in a folder that is named by its digest.

    Raises:
        Unavailable: a file is missing or cannot be read.
        Corrupt: bytes are not those that the digest names, or the model and its signature do not fit together.
    """
    described = _read(folder / "bundle.json")
    if blake3(described).hexdigest() != folder.name:
        raise Corrupt("the bundle is not the one its folder is named after", where=str(folder / "bundle.json"))
    spec = decode(described, BundleSpec, where=folder / "bundle.json")
    loader = LOADERS.get(spec.format)
    if loader is None:
        raise Unavailable(f"this server cannot run the format {spec.format!r}", where=str(folder))
    files = {}
    for name, digest in spec.files.items():
        files[name] = _read(folder / name)
        if blake3(files[name]).hexdigest() != digest:
            raise Corrupt("the file is not the one that was published", where=str(folder / name))
    signature = Signature(spec.signature, where=str(folder))
    model = _function(loader)(files, signature, str(folder), threads, spec.runtime)
    _warm(model, signature, str(folder))
    return Bundle(folder.name, spec, signature, model)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unavailable(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error


def _function(target: str) -> Loader:
    module, _, name = target.partition(":")
    found: Loader = getattr(importlib.import_module(module), name)
    return found


def load_onnx(
    files: Mapping[str, bytes], signature: Signature, where: str, threads: int, runtime: Mapping[str, Any]
) -> Model:
    """An ONNX model, run by ONNX Runtime.

    Raises:
        Corrupt: it cannot be loaded, or does not fit the signature.
    """
    file = runtime.get("file", "model.onnx")
    if file not in files:
        raise Corrupt(f"the bundle holds no {file}", where=where)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # more, on a busy machine, costs a hundred times the latency
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(files[file], options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Corrupt(f"ONNX Runtime cannot load the model: {_first_line(error)}", where=where) from error
    given = {one.name: _ONNX_TYPES.get(one.type, one.type) for one in session.get_inputs()}
    feed = _feed(given, signature, where)
    names = _output_names([one.name for one in session.get_outputs()], signature, where)
    shaped = [_shaper(one) for one in signature.outputs]

    def run(rows: Rows) -> list[Array]:
        found = session.run(names, feed(rows))
        return [shape(values, len(rows[0])) for shape, values in zip(shaped, found, strict=True)]

    return run


def _output_names(known: list[str], signature: Signature, where: str) -> list[str]:
    """What the model calls the outputs of the signature; a client's signature may count them without their names."""
    names = [one.name for one in signature.outputs]
    missing = [name for name in names if name not in known]
    if not missing:
        return names
    if len(known) == len(names) == len(missing) or names == [_UNNAMED]:
        return known[: len(names)]
    raise Corrupt(f"the model has no output {missing[0]!r} that its signature names", where=where)


def _feed(given: Mapping[str, str], signature: Signature, where: str) -> Callable[[Rows], dict[str, Array]]:
    """How rows become the model's inputs: one for one, or all columns side by side in its single matrix."""
    if given == {tensor.name: tensor.dtype for tensor in signature.tensors}:
        tensors = signature.tensors
        values = signature.values
        return lambda rows: {tensor.name: values(rows, tensor) for tensor in tensors}
    only, dtype = next(iter(given.items()), ("", ""))
    is_stacked = len(given) == 1 and [only] != [tensor.name for tensor in signature.tensors]
    if is_stacked and dtype in NUMPY_TYPES and dtype != "BYTES":
        target = NUMPY_TYPES[dtype]
        order = stacked_order(signature)
        if any(group.dtype == "BYTES" for group in signature.groups):
            raise Corrupt(f"the model takes one matrix of {dtype} and its signature names text", where=where)
        if len(signature.groups) == 1:  # the columns already stand side by side in the signature's order
            return lambda rows: {only: rows[0].astype(target, copy=False)}
        return lambda rows: {only: np.hstack(rows).astype(target)[:, order]}
    raise Corrupt(f"the model takes {dict(given)}", where=where, expected="the inputs that its signature names")


def stacked_order(signature: Signature) -> list[int]:
    """Where the columns of the signature stand when the matrices of its groups are put side by side."""
    starts = np.cumsum([0, *(group.width for group in signature.groups)])
    return [
        int(starts[tensor.group]) + tensor.start + offset
        for tensor in signature.tensors
        for offset in range(tensor.width)
    ]


def _shaper(output: Output) -> Callable[[Any, int], Array]:
    target = NUMPY_TYPES[output.dtype]
    sides = output.shape[1:]

    def shape(values: Any, count: int) -> Array:
        if isinstance(values, np.ndarray) and values.dtype == target and values.shape[1:] == sides:
            return values
        return np.asarray(values).astype(target, copy=False).reshape((count, *sides))

    return shape


def _warm(model: Model, signature: Signature, where: str) -> None:
    try:
        for count in (1, 2, 16):
            model(signature.example(count))
    except Exception as error:
        if any(group.dtype == "BYTES" for group in signature.groups):
            return  # the empty text need not be one of the model's categories: it says nothing about real rows
        raise Corrupt(f"the model does not run: {_first_line(error)}", where=where) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


Loader = Callable[[Mapping[str, bytes], Signature, str, int, Mapping[str, Any]], Model]
LOADERS: Mapping[str, str] = {
    "onnx": "stackcanvas.serving.server.bundle:load_onnx",
    **{
        name: f"stackcanvas.serving.server.natives:load_{name}"
        for name in ("lightgbm", "xgboost", "skops", "sklearn", "python")
    },
}
"""What loads each format, imported when a bundle is of it; a format is one line here."""

ISOLATED = frozenset({"skops", "sklearn", "python"})
"""The formats whose answers come from a process that may never give one."""
