"""The floor of serving: uvicorn, typed decoding, a batch of what waits, ONNX Runtime, and nothing else.

python -m benchmarks.floor_serving MODEL.onnx PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import uvicorn

_ROWS = 1024
Message = MutableMapping[str, Any]


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[float] = []


class _Request(msgspec.Struct):
    inputs: list[_Tensor]


class App:
    """Answers every POST with what the model gives for its one matrix."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._decode = msgspec.json.Decoder(_Request).decode
        self._encode = msgspec.json.Encoder().encode
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        headers = dict(scope["headers"])
        length = headers.get(b"inference-header-content-length")
        request = self._decode(body if length is None else body[: int(length)])
        tensor = request.inputs[0]
        if length is None:
            rows = np.array(tensor.data, dtype=np.float32).reshape(tensor.shape)
        else:
            rows = np.frombuffer(body, dtype=np.float32, offset=int(length)).reshape(tensor.shape)
        label, probabilities = await self._run(rows)
        outputs: list[dict[str, Any]] = [
            {"name": name, "datatype": kind, "shape": values.shape}
            for name, kind, values in (("label", "INT64", label), ("probabilities", "FP32", probabilities))
        ]
        extra = []
        if length is None:
            for one, values in zip(outputs, (label, probabilities), strict=True):
                one["data"] = values.ravel().tolist()
            answer = self._encode({"model_name": "delay", "outputs": outputs})
        else:
            for one, values in zip(outputs, (label, probabilities), strict=True):
                one["parameters"] = {"binary_data_size": values.nbytes}
            text = self._encode({"model_name": "delay", "outputs": outputs})
            extra = [(b"inference-header-content-length", b"%d" % len(text))]
            answer = text + label.tobytes() + probabilities.tobytes()
        size = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [size, *extra]})
        await send({"type": "http.response.body", "body": answer})

    def _run(self, rows: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((rows, done))
        return done

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        while waiting:
            chunk: list[tuple[Any, asyncio.Future[Any]]] = []
            count = 0
            while waiting and (not chunk or count + len(waiting[0][0]) <= _ROWS):
                count += len(waiting[0][0])
                chunk.append(waiting.pop(0))
            rows = chunk[0][0] if len(chunk) == 1 else np.concatenate([one for one, _ in chunk])
            label, probabilities = self._session.run(None, {"input": rows})
            start = 0
            for one, done in chunk:
                part = slice(start, start + len(one))
                start += len(one)
                done.set_result((label[part], probabilities[part]))


if __name__ == "__main__":
    uvicorn.run(
        App(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
    )
