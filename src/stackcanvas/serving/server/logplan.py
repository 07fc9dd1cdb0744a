"""How answered rows become batches of the prediction log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stackcanvas.serving.server.arrow import equally_long, flags, numbers, repeated, texts
from stackcanvas.serving.server.documents import LogSpec
from stackcanvas.serving.server.hashing import encode, hashed
from stackcanvas.serving.server.segments import log_schema
from stackcanvas.serving.server.signature import Array, Output, Rows, Signature, Tensor

_ARROW_TYPES = {
    "BOOL": pa.bool_(),
    "UINT8": pa.uint8(),
    "UINT16": pa.uint16(),
    "UINT32": pa.uint32(),
    "UINT64": pa.uint64(),
    "INT8": pa.int8(),
    "INT16": pa.int16(),
    "INT32": pa.int32(),
    "INT64": pa.int64(),
    "FP16": pa.float32(),  # not every reader of Parquet knows half floats
    "FP32": pa.float32(),
    "FP64": pa.float64(),
    "BYTES": pa.string(),
}
_INSTANT = pa.timestamp("us", tz="UTC")
_ID_LENGTH = 32
_Runs = tuple[list[str | None], list[int]]


@dataclass(slots=True)
class Entry:
    """Rows that one model answered at once, as the event loop hands them over: nothing is worked out yet.

    The lists of `counts`, `request_ids`, `times_us`, `latencies_us` and `entities` have one element for each request,
    those of `ids`, `statuses` and `reasons` one for each row.
    """

    plan: LogPlan
    variant: str
    model: str
    ids: list[str]
    counts: list[int]
    request_ids: list[str | None]
    times_us: list[int]
    latencies_us: list[int]
    entities: list[list[dict[str, Any] | None] | None]
    rows: Rows
    outputs: list[Array] | None
    statuses: list[str] | str
    reasons: list[str | None] | None = None


class LogPlan:
    """The columns of one endpoint's log for models of one signature, under the endpoint's log policy."""

    def __init__(self, endpoint: str, signature: Signature, spec: LogSpec) -> None:
        self.endpoint = endpoint
        self.sample = spec.sample
        self._signature = signature
        self._drop = frozenset(spec.drop)
        self._hash = frozenset(spec.hash)
        self._columns = [
            column for group in signature.groups for column in group.columns if column.name not in self._drop
        ]
        self._vectors = [one for one in signature.tensors if not one.columns and one.name not in self._drop]
        self._outputs = [(at, output) for at, output in enumerate(signature.outputs) if output.name not in self._drop]
        self.schema = log_schema(
            [
                *(pa.field(column.name, self._type(column.name, column.dtype)) for column in self._columns),
                *(pa.field(one.name, _vector(one.dtype, one.width)) for one in self._vectors),
            ],
            [pa.field(one.name, self._type(one.name, one.dtype, one.width)) for _, one in self._outputs],
        ).with_metadata({"stackcanvas": "predictions 1", "endpoint": endpoint})
        self.key = (endpoint, str(self.schema))

    def batch(self, entries: Sequence[Entry]) -> pa.RecordBatch:
        """The rows of these entries, in order."""
        counts = [count for entry in entries for count in entry.counts]
        total = sum(counts)
        status = _runs((entry.statuses, len(entry.ids)) for entry in entries)
        started = np.cumsum(counts) - counts
        columns = {
            "prediction_id": equally_long([one for entry in entries for one in entry.ids], _ID_LENGTH),
            "row": numbers(np.arange(total) - np.repeat(started, counts), pa.int32()),
            "request_id": repeated(
                *_runs(zip([one for entry in entries for one in entry.request_ids], counts, strict=True))
            ),
            "time": _by_request([one for entry in entries for one in entry.times_us], counts, _INSTANT),
            "endpoint": repeated([self.endpoint], [total]),
            "variant": repeated(*_runs((entry.variant, len(entry.ids)) for entry in entries)),
            "model": repeated(*_runs((entry.model, len(entry.ids)) for entry in entries)),
            "entity": repeated(*self._entities(entries)),
            "features": self._features(
                [np.concatenate(parts) for parts in zip(*(entry.rows for entry in entries), strict=True)]
            ),
            "output": self._output(entries, _where(status, "error")),
            "fallback": flags(_where(status, "fallback")),
            "status": repeated(*status),
            "reason": repeated(*_runs((entry.reasons, len(entry.ids)) for entry in entries)),
            "latency_us": _by_request([one for entry in entries for one in entry.latencies_us], counts, pa.int64()),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in self.schema.names], schema=self.schema)

    def _features(self, rows: Rows) -> pa.StructArray:
        standing = [np.ascontiguousarray(matrix.T) for matrix in rows]
        arrays = [
            self._array(standing[one.group][one.position], one.name, _ARROW_TYPES[one.dtype]) for one in self._columns
        ]
        arrays += [self._slice(rows, one) for one in self._vectors]
        kind = self.schema.field("features").type
        if not arrays:
            return pa.nulls(len(rows[0]), kind)
        return pa.StructArray.from_arrays(arrays, fields=list(kind))

    def _slice(self, rows: Rows, tensor: Tensor) -> pa.Array:
        values = rows[tensor.group][:, tensor.start : tensor.start + tensor.width]
        flat = self._array(values.ravel(), "", _ARROW_TYPES[tensor.dtype])
        return pa.FixedSizeListArray.from_arrays(flat, tensor.width)

    def _output(self, entries: Sequence[Entry], failed: Array) -> pa.StructArray:
        kind = self.schema.field("output").type
        arrays = []
        for at, output in self._outputs:
            values = np.concatenate(
                [_filler(output, entry) if entry.outputs is None else entry.outputs[at] for entry in entries]
            )
            flat = self._array(values.ravel(), output.name, _ARROW_TYPES[output.dtype])
            arrays.append(flat if output.width == 1 else pa.FixedSizeListArray.from_arrays(flat, output.width))
        if not arrays:
            return pa.nulls(len(failed), kind)
        mask = flags(failed) if failed.any() else None
        return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=mask)

    def _entities(self, entries: Sequence[Entry]) -> _Runs:
        return _runs(
            (None if given is None else [self._entity(one) for one in given], count)
            for entry in entries
            for count, given in zip(entry.counts, entry.entities, strict=True)
        )

    def _entity(self, given: dict[str, Any] | None) -> str | None:
        kept = {
            name: hashed(value) if name in self._hash else value
            for name, value in (given or {}).items()
            if name not in self._drop
        }
        return encode(kept).decode() if kept else None

    def _type(self, name: str, dtype: str, width: int = 1) -> pa.DataType:
        if width > 1:
            return _vector(dtype, width)
        return pa.string() if name in self._hash else _ARROW_TYPES[dtype]

    def _array(self, values: Array, name: str, kind: pa.DataType) -> pa.Array:
        if name in self._hash:
            return texts([hashed(value) for value in values.tolist()])
        if pa.types.is_string(kind):
            return texts(values.tolist())
        return flags(values.astype(np.bool_)) if pa.types.is_boolean(kind) else numbers(values, kind)


def _vector(dtype: str, width: int) -> pa.DataType:
    return pa.list_(_ARROW_TYPES[dtype], width)


def _runs(parts: Iterable[tuple[Sequence[str | None] | str | None, int]]) -> _Runs:
    """Values and how often each comes in a row, from one value for many rows or one for each."""
    values: list[str | None] = []
    counts: list[int] = []
    for given, count in parts:
        if values and given == values[-1]:
            counts[-1] += count
        elif given is None or isinstance(given, str):
            values.append(given)
            counts.append(count)
        else:
            values += given
            counts += [1] * count
    return values, counts


def _where(runs: _Runs, wanted: str) -> Array:
    values, counts = runs
    return np.repeat(np.array([value == wanted for value in values], dtype=np.bool_), counts)


def _filler(output: Output, entry: Entry) -> Array:
    shape = (len(entry.ids), *output.shape[1:])
    return np.full(shape, "", dtype=np.object_) if output.dtype == "BYTES" else np.zeros(shape)


def _by_request(values: list[int], counts: list[int], kind: pa.DataType) -> pa.Array:
    return numbers(np.repeat(np.array(values, dtype=np.int64), counts), kind)
