"""Messages between a process and the one that runs a model for it: a head in MessagePack, then the bytes of arrays."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Read = Callable[[int], bytes]

_HEAD = struct.Struct("<QQ")
_LARGEST_HEAD = 1 << 31


class Broken(Exception):
    """What came is no message."""


def pack(facts: Mapping[str, Any], arrays: Sequence[tuple[str, Array]] = ()) -> bytes:
    """A message as bytes.

    Example:
        >>> import io
        >>> facts, arrays = unpack(io.BytesIO(pack({"a": 1}, [("x", np.array([1.5]))])).read)
        >>> facts, arrays["x"].tolist()
        ({'a': 1}, [1.5])
    """
    shapes: list[tuple[str, str, Sequence[int], list[str | None] | None]] = []
    bodies = []
    for name, array in arrays:
        if array.dtype == np.object_ or array.dtype.kind == "U":
            text = [None if one is None else str(one) for one in array.ravel()]
            shapes.append((name, "text", array.shape, text))
        else:
            plain = np.ascontiguousarray(array)
            shapes.append((name, plain.dtype.str, plain.shape, None))
            bodies.append(plain.tobytes())
    head = msgspec.msgpack.encode({"facts": dict(facts), "arrays": shapes})
    body = b"".join(bodies)
    return _HEAD.pack(len(head), len(body)) + head + body


def unpack(read: Read) -> tuple[dict[str, Any], dict[str, Array]]:
    """The next message, read by a function that gives exactly so many bytes.

    Raises:
        Broken: it is none.
        EOFError: the other side is gone.
    """
    head_bytes, body_bytes = _HEAD.unpack(read(_HEAD.size))
    if head_bytes > _LARGEST_HEAD:
        raise Broken("the head is too long")
    try:
        said = msgspec.msgpack.decode(read(head_bytes))
        body, at, arrays = read(body_bytes), 0, {}
        for name, dtype, shape, text in said["arrays"]:
            if dtype == "text":
                arrays[name] = np.array(text, dtype=object).reshape(shape)
                continue
            kind = np.dtype(dtype)
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(body, kind, count, at).reshape(shape)
            at += count * kind.itemsize
        return dict(said["facts"]), arrays
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise Broken(str(error)) from error
