"""Values as requests carry them into arrays, with nothing bent to fit: text is not a number and true is not 1."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from stackcanvas.errors import BadInput
from stackcanvas.serving.server.signature import NUMPY_TYPES, Array

_KINDS: dict[str, tuple[frozenset[type], str]] = {
    "f": (frozenset({float, int}), "numbers"),
    "i": (frozenset({int}), "whole numbers"),
    "u": (frozenset({int}), "whole numbers from 0 upwards"),
    "b": (frozenset({bool}), "true or false"),
    "O": (frozenset({str}), "text"),
}
_FLAT: dict[str, msgspec.json.Decoder[Any]] = {
    "f": msgspec.json.Decoder(list[float]),
    "i": msgspec.json.Decoder(list[int]),
    "u": msgspec.json.Decoder(list[int]),
    "b": msgspec.json.Decoder(list[bool]),
    "O": msgspec.json.Decoder(list[str]),
}
_ANY = msgspec.json.Decoder(list)
_NULL = type(None)


class BadValue(BadInput):
    """One value that does not fit its data type; `index` says which of those given."""

    def __init__(self, index: int, value: object, dtype: str) -> None:
        self.index = index
        super().__init__(f"{_shown(value)} is not a value of {dtype}", expected=_KINDS[NUMPY_TYPES[dtype].kind][1])


def from_list(values: Sequence[Any], dtype: str) -> Array:
    """A flat array of plain values; null becomes NaN where the data type has one.

    Raises:
        BadValue: a value is of another kind, or too large for the data type.

    Example:
        >>> from_list([1, None, 2.5], "FP32")
        array([1. , nan, 2.5], dtype=float32)
        >>> from_list(["1"], "FP32")
        Traceback (most recent call last):
        stackcanvas.serving.server.values.BadValue: the text '1' is not a value of FP32. Expected: numbers.
    """
    target = NUMPY_TYPES[dtype]
    allowed = _KINDS[target.kind][0]
    kinds = set(map(type, values))
    if not kinds <= allowed and not (target.kind == "f" and kinds <= {float, int, _NULL}):
        missing = {_NULL} if target.kind == "f" else set()
        index = next(at for at, value in enumerate(values) if type(value) not in allowed | missing)
        raise BadValue(index, values[index], dtype)
    try:
        with np.errstate(over="ignore"):
            return np.array(values, dtype=target)
    except (OverflowError, ValueError):
        raise _too_large(values, dtype) from None


def from_json(raw: msgspec.Raw, shape: Sequence[int], dtype: str) -> Array:
    """A flat array of the JSON data of a tensor, flat or nested in row-major order.

    Raises:
        BadInput: the JSON is not a list, a value is of another kind, or the data do not fill the shape.
    """
    target = NUMPY_TYPES[dtype]
    try:
        values = _FLAT[target.kind].decode(raw)
    except msgspec.ValidationError:
        return _from_nested(raw, shape, dtype)
    except RecursionError:
        raise BadInput("the data are nested too deeply") from None
    _check_count(len(values), shape)
    try:
        with np.errstate(over="ignore"):
            return np.array(values, dtype=target)
    except (OverflowError, ValueError):
        raise _too_large(values, dtype) from None


def from_bytes(raw: memoryview, shape: Sequence[int], dtype: str) -> Array:
    """A flat array of the raw little-endian bytes of a tensor.

    Raises:
        BadInput: the bytes do not fill the shape, or text is not UTF-8.
    """
    target = NUMPY_TYPES[dtype]
    if target.kind == "O":
        texts = _texts(raw)
        _check_count(len(texts), shape)
        return np.array(texts, dtype=np.object_)
    if len(raw) != count_of(shape) * target.itemsize:
        raise BadInput(
            f"{len(raw)} bytes of data do not fill the shape {list(shape)}",
            expected=f"{count_of(shape) * target.itemsize} bytes of {dtype}",
        )
    if target.kind == "b":
        return np.frombuffer(raw, dtype=np.uint8).astype(np.bool_)
    return np.frombuffer(raw, dtype=target).copy()  # a copy is aligned, wherever the tensor stood in the body


def to_bytes(array: Array, dtype: str) -> bytes:
    """The raw little-endian bytes of an output."""
    if dtype != "BYTES":
        return np.ascontiguousarray(array, dtype=NUMPY_TYPES[dtype]).tobytes()
    encoded = [str(text).encode() for text in array.ravel()]
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def count_of(shape: Sequence[int]) -> int:
    """How many values a shape holds."""
    count = 1
    for side in shape:
        count *= side
    return count


def _check_count(given: int, shape: Sequence[int]) -> None:
    wanted = count_of(shape)
    if given != wanted:
        raise BadInput(f"{given} values do not fill the shape {list(shape)}", expected=f"{wanted} values")


def _from_nested(raw: msgspec.Raw, shape: Sequence[int], dtype: str) -> Array:
    try:
        values: list[Any] = _ANY.decode(raw)
    except msgspec.ValidationError as error:
        raise BadInput(f"the data are not a list of values: {error}") from None
    except RecursionError:
        raise BadInput("the data are nested too deeply") from None
    sides = [len(values)]
    while values and set(map(type, values)) == {list}:
        lengths = set(map(len, values))
        if len(lengths) != 1:
            raise BadInput("the nested data have lists of unequal length", expected=f"the shape {list(shape)}")
        sides.append(lengths.pop())
        values = list(chain.from_iterable(values))
    if len(sides) > 1 and sides != list(shape):
        raise BadInput(f"the nested data have the shape {sides}", expected=f"the shape {list(shape)}")
    _check_count(len(values), shape)
    return from_list(values, dtype)


def _too_large(values: Sequence[Any], dtype: str) -> BadValue:
    target = NUMPY_TYPES[dtype]
    for index, value in enumerate(values):
        try:
            np.array(value, dtype=target)
        except (OverflowError, ValueError):
            return BadValue(index, value, dtype)
    return BadValue(0, values[0], dtype)


def _texts(raw: memoryview) -> list[str]:
    texts, at, end = [], 0, len(raw)
    while at < end:
        if end - at < 4:
            raise BadInput("the BYTES data end within a length")
        (length,) = struct.unpack_from("<I", raw, at)
        at += 4
        if end - at < length:
            raise BadInput(f"the BYTES data end within an element of {length} bytes")
        try:
            texts.append(str(raw[at : at + length], "utf-8"))
        except UnicodeDecodeError:
            raise BadInput("a BYTES element is not UTF-8 text") from None
        at += length
    return texts


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 200 else "a very large number"
    return text[:40]
