"""Arrow arrays from what is at hand, built from their buffers.

`pyarrow.array` would import pandas where it is installed, which costs a second and 40 MB and is of no use here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def numbers(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Numbers or instants; NaN becomes null.

    Example:
        >>> numbers(np.array([1.5, float("nan")]), pa.float64()).to_pylist()
        [1.5, None]
    """
    values = np.ascontiguousarray(values, dtype=_numpy_type(kind))
    if values.dtype.kind != "f":
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
    present = ~np.isnan(values)
    return pa.Array.from_buffers(kind, len(values), [_validity(present), pa.py_buffer(values)])


def flags(values: npt.NDArray[np.bool_]) -> pa.Array:
    """Truth values.

    Example:
        >>> flags(np.array([True, False])).to_pylist()
        [True, False]
    """
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def texts(values: Sequence[str | None]) -> pa.Array:
    """Texts, some of which may be missing.

    Example:
        >>> texts(["wind", None, "päce"]).to_pylist()
        ['wind', None, 'päce']
    """
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, encoded), dtype=np.int32, count=len(encoded)), out=offsets[1:])
    present = None
    if None in values:
        present = _validity(np.fromiter((value is not None for value in values), dtype=np.bool_, count=len(values)))
    data = [present, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), data)


def repeated(values: Sequence[str | None], counts: Sequence[int]) -> pa.Array:
    """Texts, each so many times in a row.

    Example:
        >>> repeated(["v1", None], [2, 1]).to_pylist()
        ['v1', 'v1', None]
    """
    total = sum(counts)
    if not any(values):
        return pa.nulls(total, pa.string()) if None in values else texts([""] * total)
    encoded = [b"" if value is None else value.encode() for value in values]
    lengths = np.repeat(np.fromiter(map(len, encoded), dtype=np.int32, count=len(encoded)), counts)
    offsets = np.zeros(total + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    present = None
    if None in values:
        present = _validity(np.repeat(np.array([value is not None for value in values]), counts))
    data = b"".join([one * count for one, count in zip(encoded, counts, strict=True)])
    return pa.Array.from_buffers(pa.string(), total, [present, pa.py_buffer(offsets), pa.py_buffer(data)])


def equally_long(values: Sequence[str], length: int) -> pa.Array:
    """ASCII texts of one length.

    Example:
        >>> equally_long(["ab", "cd"], 2).to_pylist()
        ['ab', 'cd']
    """
    offsets = np.arange(0, (len(values) + 1) * length, length, dtype=np.int32)
    data = "".join(values).encode("ascii")
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    return np.dtype(np.int64) if pa.types.is_timestamp(kind) else np.dtype(kind.to_pandas_dtype())


def _validity(present: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    return None if present.all() else _bits(present)


def _bits(values: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little").tobytes())
