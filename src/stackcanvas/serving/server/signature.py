"""What a model takes and gives, laid out so that many small requests become one matrix for each data type.

Named columns of one data type stand side by side in one matrix, so that a batch is put together with one
concatenation a data type, however many columns there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcanvas.errors import Corrupt
from stackcanvas.serving.server.documents import SignatureSpec

Array = npt.NDArray[Any]
Rows = list[Array]
"""Rows of requests: one matrix for each group of the signature, all of the same length."""

NUMPY_TYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    "BYTES": np.dtype(np.object_),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One named value of a row and where it stands."""

    name: str
    dtype: str
    nullable: bool
    group: int
    position: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input of the protocol: a slice of a group's matrix."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    width: int
    group: int
    start: int
    nullable: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All values of one data type, side by side."""

    dtype: str
    numpy: np.dtype[Any]
    width: int
    columns: tuple[Column, ...]
    nullable: npt.NDArray[np.bool_]

    @property
    def floating(self) -> bool:
        """Whether the values may be missing (NaN) at all."""
        return self.numpy.kind == "f"


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the protocol."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def width(self) -> int:
        """How many values a row has."""
        return math.prod(self.shape[1:])


class Signature:
    """The compiled form of a signature document.

    Args:
        spec: the document.
        where: named in errors.

    Raises:
        Corrupt: a data type is unknown, a shape has no rows, or two inputs or outputs share a name.
    """

    def __init__(self, spec: SignatureSpec, *, where: str) -> None:
        self.spec = spec
        self.tensors: tuple[Tensor, ...] = _tensors(spec, where=where)
        self.groups: tuple[Group, ...] = _groups(self.tensors)
        self.outputs: tuple[Output, ...] = tuple(
            Output(one.name, _dtype(one.dtype, where=where), _shape(one.shape, where=where, name=one.name))
            for one in spec.outputs
        )
        self.by_name: dict[str, Tensor] = {tensor.name: tensor for tensor in self.tensors}
        self.columns: dict[str, Column] = {column.name: column for group in self.groups for column in group.columns}
        names = [column.name for group in self.groups for column in group.columns]
        _unique([tensor.name for tensor in self.tensors], what="inputs", where=where)
        _unique(names, what="columns", where=where)
        _unique([output.name for output in self.outputs], what="outputs", where=where)
        if not self.outputs:
            raise Corrupt("the signature names no output", where=where)
        self.takes_records = sum(group.width for group in self.groups) == len(names)
        """Whether every value has a name, so that plain records can be mapped."""

    def empty(self, count: int) -> Rows:
        """Rows to be filled."""
        return [np.empty((count, group.width), dtype=group.numpy) for group in self.groups]

    def example(self, count: int) -> Rows:
        """Rows of zeros, empty text and false, to warm a model with."""
        rows = [np.zeros((count, group.width), dtype=group.numpy) for group in self.groups]
        for matrix in rows:
            if matrix.dtype == np.object_:
                matrix[:] = ""
        return rows

    def column(self, rows: Rows, name: str) -> Array:
        """The values of one column."""
        column = self.columns[name]
        return rows[column.group][:, column.position]

    def values(self, rows: Rows, tensor: Tensor) -> Array:
        """The values of one input, in its shape."""
        matrix = rows[tensor.group]
        part = matrix if tensor.width == matrix.shape[1] else matrix[:, tensor.start : tensor.start + tensor.width]
        return part if len(tensor.shape) == 2 else part.reshape((-1, *tensor.shape[1:]))


def _dtype(name: str, *, where: str) -> str:
    if name not in NUMPY_TYPES:
        raise Corrupt(f"the data type {name!r} is unknown", where=where, expected=f"one of {', '.join(NUMPY_TYPES)}")
    return name


def _shape(shape: Sequence[int], *, where: str, name: str) -> tuple[int, ...]:
    if not shape or shape[0] != -1 or any(side < 1 for side in shape[1:]):
        raise Corrupt(f"the shape {list(shape)} of {name!r} cannot be served", where=where, expected="[-1, ...]")
    return tuple(shape)


def _unique(names: Sequence[str], *, what: str, where: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Corrupt(f"two {what} have the name {twice[0]!r}", where=where)


def _tensors(spec: SignatureSpec, *, where: str) -> tuple[Tensor, ...]:
    groups: dict[str, int] = {}
    filled: list[int] = []
    tensors = []
    for one in spec.inputs:
        dtype = _dtype(one.dtype, where=where)
        shape = _shape(one.shape or (-1, 1), where=where, name=one.name)
        width = math.prod(shape[1:])
        columns = tuple(one.columns) if one.columns else ((one.name,) if width == 1 else ())
        if columns and len(columns) != width:
            raise Corrupt(f"{one.name!r} names {len(columns)} columns and holds {width}", where=where)
        if dtype not in groups:
            groups[dtype] = len(filled)
            filled.append(0)
        group = groups[dtype]
        tensors.append(Tensor(one.name, dtype, shape, width, group, filled[group], one.nullable, columns))
        filled[group] += width
    if not tensors:
        raise Corrupt("the signature names no input", where=where)
    return tuple(tensors)


def _groups(tensors: Sequence[Tensor]) -> tuple[Group, ...]:
    made = []
    for index in range(1 + max(tensor.group for tensor in tensors)):
        mine = [tensor for tensor in tensors if tensor.group == index]
        columns = tuple(
            Column(name, tensor.dtype, tensor.nullable, index, tensor.start + offset)
            for tensor in mine
            for offset, name in enumerate(tensor.columns)
        )
        nullable = np.concatenate([np.full(tensor.width, tensor.nullable) for tensor in mine])
        width = sum(tensor.width for tensor in mine)
        made.append(Group(mine[0].dtype, NUMPY_TYPES[mine[0].dtype], width, columns, nullable))
    return tuple(made)
