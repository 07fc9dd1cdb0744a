"""Values as bytes, so that equal values have equal digests and everything comes back as it was.

Plain data become MessagePack, frames Arrow, arrays NumPy's own form, and anything else a pickle. A tuple, list or
dictionary of such values is kept in parts, so that a step that needs one part reads that part only.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
from blake3 import blake3
from msgspec.msgpack import Ext

from stackcanvas.errors import BadInput, Corrupt

PLAIN, POLARS, SERIES, ARROW, NUMPY, PICKLE, PARTS = "plain", "polars", "series", "arrow", "numpy", "pickle", "parts"
_TUPLE, _SET, _FROZEN, _PAIRS, _BIG, _DECIMAL, _DATETIME, _DATE, _TIME, _SPAN = range(1, 11)
_SMALLEST, _LARGEST = -(1 << 63), 1 << 64
_MOST_PARTS = 64
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value as bytes.

    Args:
        kind: how the bytes are read.
        data: the bytes; for parts, the kind of container, its keys and the digests.
        parts: the parts themselves.
    """

    kind: str
    data: bytes
    parts: tuple[Encoded, ...] = ()

    @property
    def digest(self) -> str:
        """Of the kind and the bytes."""
        return digest_of(self.kind, self.data)


def digest_of(kind: str, data: bytes) -> str:
    """The digest by which a value is kept."""
    return blake3(b"%s\0%s" % (kind.encode(), data)).hexdigest()


def encode(value: object) -> Encoded:
    """The value as bytes.

    Raises:
        BadInput: it cannot be kept, such as a generator or an open file.

    Example:
        >>> encode({"auc": 0.7}).kind, encode({"auc": 0.7}).digest == encode({"auc": 0.7}).digest
        ('plain', True)
    """
    try:
        return Encoded(PLAIN, _pack(_plain(value)))
    except (_NotPlainError, UnicodeEncodeError, RecursionError):
        pass
    found = _frame(value) or _array(value)
    if found is not None:
        return found
    if type(value) in {tuple, list, dict} and len(value) <= _MOST_PARTS:  # type: ignore[arg-type]
        return _parts(value)
    return Encoded(PICKLE, _pickle(value))


def join(parts: Sequence[str]) -> Encoded:
    """A list whose parts are kept already, by their digests."""
    return Encoded(PARTS, _pack(["list", None, list(parts)]))


def decode(kind: str, data: bytes, *, rename: Callable[[str], str]) -> Any:
    """The value from its bytes; parts are put together by `assemble`.

    Args:
        rename: gives the module of today for one that a pickle names.
    """
    if kind == PLAIN:
        return msgspec.msgpack.decode(data, ext_hook=_unpack)
    if kind == PICKLE:
        return _Unpickler(io.BytesIO(data), rename).load()
    if kind in {POLARS, SERIES}:
        import polars as pl  # noqa: PLC0415 - heavy, and only where frames are used

        frame = pl.read_ipc(data)
        return frame.to_series() if kind == SERIES else frame
    if kind == ARROW:
        import pyarrow as pa  # noqa: PLC0415 - see above

        return pa.ipc.open_file(data).read_all()
    if kind == NUMPY:
        import numpy as np  # noqa: PLC0415 - see above

        array = np.load(io.BytesIO(data), allow_pickle=False)
        return array if array.ndim else array[()]
    raise Corrupt(f"a kept value has the unknown kind {kind!r}")


def members(data: bytes) -> tuple[str, list[str] | None, list[str]]:
    """The container, keys and digests of a value that is kept in parts."""
    container, keys, digests = msgspec.msgpack.decode(data)
    return container, keys, digests


def assemble(container: str, keys: list[str] | None, parts: list[Any]) -> Any:
    """The value from its parts."""
    if keys is not None:
        return dict(zip(keys, parts, strict=True))
    return tuple(parts) if container == "tuple" else parts


class _NotPlainError(Exception):
    """The value is not made of plain data."""


def _plain(value: Any) -> Any:  # noqa: PLR0911 - a table of types reads best as one
    kind = type(value)
    if value is None or kind in {bool, float, str, bytes}:
        return value
    if kind is int:
        return value if _SMALLEST <= value < _LARGEST else Ext(_BIG, str(value).encode())
    if kind is list:
        return [_plain(item) for item in value]
    if kind is dict:
        if all(type(key) is str for key in value):
            return {key: _plain(item) for key, item in value.items()}
        return Ext(_PAIRS, _pack([[_plain(key), _plain(item)] for key, item in value.items()]))
    if kind is tuple:
        return Ext(_TUPLE, _pack([_plain(item) for item in value]))
    if kind in {set, frozenset}:
        return Ext(_SET if kind is set else _FROZEN, _pack(sorted((_plain(item) for item in value), key=_pack)))
    if kind is Decimal:
        return Ext(_DECIMAL, str(value).encode())
    return _plain_time(kind, value)


def _plain_time(kind: type, value: Any) -> Any:
    # A named zone has rules that a text does not hold: those are pickled.
    if kind in {datetime, time} and (value.tzinfo is None or type(value.tzinfo) is timezone):
        return Ext(_DATETIME if kind is datetime else _TIME, value.isoformat().encode())
    if kind is date:
        return Ext(_DATE, value.isoformat().encode())
    if kind is timedelta:
        return Ext(_SPAN, _pack([value.days, value.seconds, value.microseconds]))
    raise _NotPlainError


def _unpack(code: int, data: memoryview) -> Any:
    text = bytes(data)
    if code in _CONTAINERS:
        return _CONTAINERS[code](msgspec.msgpack.decode(text, ext_hook=_unpack))
    if code in _TEXTS:
        return _TEXTS[code](text.decode())
    if code == _SPAN:
        return timedelta(*msgspec.msgpack.decode(text))
    raise Corrupt(f"a kept value has the unknown type {code}")


_CONTAINERS: dict[int, Callable[[Any], Any]] = {_TUPLE: tuple, _SET: set, _FROZEN: frozenset, _PAIRS: dict}
_TEXTS: dict[int, Callable[[str], Any]] = {
    _BIG: int,
    _DECIMAL: Decimal,
    _DATETIME: datetime.fromisoformat,
    _DATE: date.fromisoformat,
    _TIME: time.fromisoformat,
}


def _frame(value: object) -> Encoded | None:
    # A library that is not loaded has made no value: asking for it here would load it.
    polars, arrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
    if polars is not None and isinstance(value, polars.LazyFrame):
        raise BadInput("a LazyFrame is a plan and cannot be kept", fix="Return it with .collect()")
    if polars is not None and isinstance(value, polars.DataFrame | polars.Series):
        frame = value if isinstance(value, polars.DataFrame) else value.to_frame()
        if any(dtype == polars.Object for dtype in frame.dtypes):
            return None
        buffer = io.BytesIO()
        frame.rechunk().write_ipc(buffer, compression="lz4")
        return Encoded(POLARS if frame is value else SERIES, buffer.getvalue())
    if arrow is not None and isinstance(value, arrow.Table):
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_file(sink, value.schema) as writer:
            writer.write_table(value.combine_chunks())
        return Encoded(ARROW, sink.getvalue().to_pybytes())
    return None


def _array(value: object) -> Encoded | None:
    numpy = sys.modules.get("numpy")
    if numpy is None or not (type(value) is numpy.ndarray or isinstance(value, numpy.generic)):
        return None
    array = numpy.asarray(value)
    if array.dtype.hasobject:
        return None
    buffer = io.BytesIO()
    numpy.save(buffer, array, allow_pickle=False)
    return Encoded(NUMPY, buffer.getvalue())


def _parts(value: Any) -> Encoded:
    if type(value) is dict and not all(type(key) is str for key in value):
        return Encoded(PICKLE, _pickle(value))
    items = list(value.values()) if type(value) is dict else list(value)
    parts = tuple(encode(item) for item in items)
    keys = list(value) if type(value) is dict else None
    return Encoded(PARTS, _pack([type(value).__name__, keys, [part.digest for part in parts]]), parts)


def _pickle(value: object) -> bytes:
    try:
        return pickle.dumps(value, protocol=5)
    except Exception as error:
        raise BadInput(
            f"a {type(value).__name__} cannot be kept ({error})",
            expected="frames, arrays, plain data, or objects that can be pickled",
        ) from error


class _Unpickler(pickle.Unpickler):
    """Reads what the database says that a step returned."""

    def __init__(self, file: io.BytesIO, rename: Callable[[str], str]) -> None:
        super().__init__(file)
        self._rename = rename

    def find_class(self, module: str, name: str) -> Any:
        """The class of today: the user's modules carry the project in their name."""
        return super().find_class(self._rename(module), name)
