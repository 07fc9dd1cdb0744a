"""The Open Inference Protocol's requests and answers, as JSON and with binary tensors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stackcanvas.errors import BadInput
from stackcanvas.serving.server import binary
from stackcanvas.serving.server.binary import Parameters
from stackcanvas.serving.server.http import Answer
from stackcanvas.serving.server.predictor import Predictor, Request, Result
from stackcanvas.serving.server.routes import Endpoint
from stackcanvas.serving.server.signature import Array, Output, Rows, Signature, Tensor
from stackcanvas.serving.server.values import from_bytes, from_json, to_bytes
from stackcanvas.serving.server.variant import Variant

# As the field calls them; other formats go by their own name.
_PLATFORMS = {"onnx": "onnxruntime_onnx"}


class InputTensor(msgspec.Struct):
    """One input of a request; its values are here or in the bytes behind the JSON."""

    name: str
    shape: list[int]
    datatype: str
    parameters: Parameters | None = None
    data: msgspec.Raw = msgspec.Raw()


class RequestedOutput(msgspec.Struct):
    """One output that a request asks for."""

    name: str
    parameters: Parameters | None = None


class InferRequest(msgspec.Struct):
    """A request of the protocol."""

    inputs: list[InputTensor]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[RequestedOutput] | None = None


_decoder = msgspec.json.Decoder(InferRequest)
_encode = msgspec.json.Encoder().encode


async def infer(
    predictor: Predictor, name: str, version: str | None, headers: Mapping[bytes, bytes], body: bytes
) -> Answer:
    """Answer one request of the protocol.

    Args:
        predictor: the inside.
        name: of the endpoint.
        version: of the model, where the path names one; else the route decides.
        headers: of the request, names in lower case.
        body: unpacked.

    Raises:
        StackCanvasError: the request cannot be answered, with the status that says why.
    """
    started_s = time.perf_counter()
    endpoint = predictor.endpoint(name)
    asked = predictor.version(endpoint, version) if version is not None else None
    text, tail = binary.split_body(body, headers)
    request = _decode(text)
    raw = binary.split_tail(tail, _binary_sizes(request)) if tail or _binary_sizes(request) else {}
    parameters = request.parameters or {}
    count = _count(request, len(body))
    chosen = [asked] if asked is not None else _choose(predictor, endpoint, request, raw, count)
    asking = _outputs_asked(request, chosen[0].signature)
    event_time = parameters.get("event_time")
    if event_time is None and b"event_time" in headers:
        event_time = headers[b"event_time"].decode("latin-1")
    ids = predictor.ids(count)

    def rows_for(signature: Signature, at: list[int] | None) -> Rows:
        rows = _rows(signature, request, raw, count)
        return rows if at is None else [matrix[at] for matrix in rows]

    result = await predictor.answer(
        endpoint,
        chosen,
        Request(
            rows_for, ids, predictor.time_us(None if event_time is None else str(event_time)), started_s, request.id
        ),
    )
    return _answer(endpoint, request, result, ids, asking)


def _decode(text: memoryview) -> InferRequest:
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"the request is not one of the protocol: {error}") from None
    except RecursionError:
        raise BadInput("the request is nested too deeply") from None


def _binary_sizes(request: InferRequest) -> list[tuple[str, object]]:
    return [
        (one.name, one.parameters["binary_data_size"])
        for one in request.inputs
        if one.parameters and "binary_data_size" in one.parameters
    ]


def _count(request: InferRequest, size_bytes: int) -> int:
    """How many rows a request has.

    Raises:
        BadInput: it has none, or its inputs do not agree.
    """
    if not request.inputs:
        raise BadInput("the request has no inputs")
    if len({one.name for one in request.inputs}) != len(request.inputs):
        raise BadInput("two inputs of the request have the same name")
    for one in request.inputs:
        if not one.shape or any(side < 0 for side in one.shape):
            raise BadInput(f"the shape {one.shape} of {one.name!r} is not one", expected="[rows, ...]")
    count = request.inputs[0].shape[0]
    for one in request.inputs:
        if one.shape[0] != count:
            raise BadInput(f"{one.name!r} has {one.shape[0]} rows and {request.inputs[0].name!r} has {count}")
    if count == 0:
        raise BadInput("the request has no rows")
    if count > size_bytes:
        raise BadInput(f"the data do not fill {count} rows")
    return count


def _choose(
    predictor: Predictor, endpoint: Endpoint, request: InferRequest, raw: Mapping[str, memoryview], count: int
) -> Sequence[Variant]:
    """One variant for the request, or where a column keeps rows at their variant one for each row."""
    sticky = endpoint.spec.sticky
    if sticky is None or endpoint.chooser.only is not None:
        return [predictor.choose(endpoint)]
    key = (request.parameters or {}).get(sticky)
    if key is not None:
        return [predictor.choose(endpoint, key)]
    signature = endpoint.main().signature
    if sticky not in signature.columns:
        raise BadInput(f"the request has no parameter {sticky!r}, which decides the variant")
    values = signature.column(_rows(signature, request, raw, count), sticky).tolist()
    return [predictor.choose(endpoint, value) for value in values]


def _rows(signature: Signature, request: InferRequest, raw: Mapping[str, memoryview], count: int) -> Rows:
    for one in request.inputs:
        if one.name not in signature.by_name:
            raise BadInput(
                f"the model has no input {one.name!r}", expected=f"{', '.join(list(signature.by_name)[:40])}"
            )
    if len(request.inputs) != len(signature.tensors):
        given = {one.name for one in request.inputs}
        missing = [tensor.name for tensor in signature.tensors if tensor.name not in given]
        raise BadInput(f"the input {missing[0]!r} is missing")
    if len(signature.tensors) == 1:
        tensor = signature.tensors[0]
        return [_values(tensor, request.inputs[0], raw).reshape((count, tensor.width))]
    _check_counts(signature, request, raw, count)
    rows = signature.empty(count)
    for one in request.inputs:
        tensor = signature.by_name[one.name]
        values = _values(tensor, one, raw).reshape((count, tensor.width))
        rows[tensor.group][:, tensor.start : tensor.start + tensor.width] = values
    return rows


def _check_counts(signature: Signature, request: InferRequest, raw: Mapping[str, memoryview], count: int) -> None:
    """Refuse a shape that the bytes which came cannot fill, before memory is laid out for it."""
    for one in request.inputs:
        size_bytes = len(raw[one.name]) if one.name in raw else len(memoryview(one.data))
        if size_bytes < count * signature.by_name[one.name].width:
            raise BadInput(f"the data of {one.name!r} do not fill the shape {one.shape[:8]}")


def _values(tensor: Tensor, given: InputTensor, raw: Mapping[str, memoryview]) -> Array:
    if given.datatype != tensor.dtype:
        raise BadInput(f"the input {tensor.name!r} is given as {given.datatype[:20]}", expected=tensor.dtype)
    if not _fits(given.shape, tensor):
        raise BadInput(
            f"the input {tensor.name!r} is given in the shape {given.shape[:8]}", expected=f"{list(tensor.shape)}"
        )
    where = f"input {tensor.name!r}"
    if (tensor.name in raw) == bool(given.data):
        problem = "has both JSON data and binary data" if given.data else "has no data"
        raise BadInput(f"it {problem}", where=where)
    try:
        if given.data:
            return from_json(given.data, given.shape, tensor.dtype)
        return from_bytes(raw[tensor.name], given.shape, tensor.dtype)
    except BadInput as error:
        raise BadInput(error.what, where=where, expected=error.expected) from None


def _fits(shape: Sequence[int], tensor: Tensor) -> bool:
    if tuple(shape[1:]) == tensor.shape[1:]:
        return True
    return tensor.width == 1 and len(shape) <= 2 and all(side == 1 for side in shape[1:])


def _outputs_asked(request: InferRequest, signature: Signature) -> list[tuple[int, Output, bool]]:
    """Place, output and whether as bytes, of each output that goes back."""
    by_default = (request.parameters or {}).get("binary_data_output", False)
    if not isinstance(by_default, bool):
        raise BadInput(f"binary_data_output is {by_default!r}", expected="true or false")
    if not request.outputs:
        return [(at, output, by_default) for at, output in enumerate(signature.outputs)]
    by_name = {output.name: (at, output) for at, output in enumerate(signature.outputs)}
    asked = []
    for one in request.outputs:
        if one.name not in by_name:
            raise BadInput(f"the model has no output {one.name!r}", expected=f"{', '.join(by_name)}")
        asked.append((*by_name[one.name], binary.wants_binary(one.parameters or {}, by_default=by_default)))
    return asked


def _answer(
    endpoint: Endpoint,
    request: InferRequest,
    result: Result,
    ids: list[str],
    asked: Sequence[tuple[int, Output, bool]],
) -> Answer:
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for at, output, as_bytes in asked:
        values = result.outputs[at]
        described: dict[str, Any] = {"name": output.name, "datatype": output.dtype, "shape": values.shape}
        if as_bytes:
            tail.append(to_bytes(values, output.dtype))
            described["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            described["data"] = values.ravel().tolist()
        outputs.append(described)
    body: dict[str, Any] = {"model_name": endpoint.name}
    if len(result.variants) == 1:
        body["model_version"] = result.variants[0].version
    if request.id is not None:
        body["id"] = request.id
    body["parameters"] = _parameters(result, ids)
    body["outputs"] = outputs
    text = _encode(body)
    if not tail:
        return Answer(text)
    headers = [(b"content-type", b"application/octet-stream"), (binary.HEADER_LENGTH, b"%d" % len(text))]
    return Answer(b"".join((text, *tail)), headers=headers)


def _parameters(result: Result, ids: list[str]) -> dict[str, str | bool]:
    """What the protocol has no field for; lists of several rows are joined by commas, as its types have no lists."""
    parameters: dict[str, str | bool] = {
        "prediction_id": ids[0] if len(ids) == 1 else ",".join(ids),
        "variant": ",".join(one.name for one in result.variants),
    }
    if result.fallback is not None and any(result.fallback):
        parameters["fallback"] = True
        parameters["fallback_rows"] = ",".join(str(at) for at, fell in enumerate(result.fallback) if fell)
    if result.warnings is not None:
        parameters["warnings"] = "; ".join(sorted({one for one in result.warnings if one}))
    return parameters


def describe(endpoint: Endpoint, variant: Variant) -> dict[str, Any]:
    """A model as its metadata route shows it."""
    signature = variant.signature
    return {
        "name": endpoint.name,
        "versions": [one.version for one in endpoint.variants],
        "platform": _PLATFORMS.get(variant.bundle.spec.format, variant.bundle.spec.format),
        "inputs": [{"name": one.name, "datatype": one.dtype, "shape": list(one.shape)} for one in signature.tensors],
        "outputs": [{"name": one.name, "datatype": one.dtype, "shape": list(one.shape)} for one in signature.outputs],
    }
