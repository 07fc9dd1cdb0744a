"""Types for the columns of a CSV file, found by looking at every value.

A type is taken only when it gives back what the text said: `007` and numbers too long for a computer stay text, `1.50`
is a number, dates and instants are those of ISO 8601. An empty field that is not quoted is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from stackcanvas.data.arrow import to_polars
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa = late("pyarrow")
    pc = late("pyarrow.compute")

_EXACT = 10**15  # whole numbers below are exact as floating-point numbers
_NUMBER = r"^-?((0|[1-9][0-9]{0,14})(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$|^-?inf$|^[nN]a[nN]$"
_TRUE_OR_FALSE = ("true", "false", "True", "False", "TRUE", "FALSE", None)


class NotOfTypeError(Exception):
    """A value is not of the type that was tried."""


@cache
def _words() -> pa.Array:
    # Not while the module is loaded: Arrow imports pandas, where it is installed, to make its first array.
    return pa.array(_TRUE_OR_FALSE)


def _integer(values: pa.Array) -> pa.Array:
    return _same_text(values, pc.cast(values, pa.int64()))


def _real(values: pa.Array) -> pa.Array:
    if not _all(pc.match_substring_regex(values, _NUMBER)):
        raise NotOfTypeError
    return pc.cast(values, pa.float64())


def _boolean(values: pa.Array) -> pa.Array:
    if not _all(pc.is_in(values, value_set=_words())):
        raise NotOfTypeError
    return pc.cast(values, pa.bool_())


def _date(values: pa.Array) -> pa.Array:
    return _same_text(values, pc.cast(values, pa.date32()))


def _instant(values: pa.Array) -> pa.Array:
    return pc.cast(values, pa.timestamp("us"))


def _zoned(values: pa.Array) -> pa.Array:
    return pc.cast(values, pa.timestamp("us", "UTC"))


def _text(values: pa.Array) -> pa.Array:
    return values


def _same_text(values: pa.Array, converted: pa.Array) -> pa.Array:
    if not _all(pc.equal(pc.cast(converted, pa.string()), values)):
        raise NotOfTypeError
    return converted


def _all(true: pa.BooleanArray) -> bool:
    return pc.all(true).as_py() is not False


_TEXT = "String"
# The types in the order in which they are tried, by their names in Polars.
_TYPES: dict[str, Callable[[Any], Any]] = {
    "Int64": _integer,
    "Float64": _real,
    "Boolean": _boolean,
    "Date": _date,
    "Datetime(time_unit='us', time_zone=None)": _instant,
    "Datetime(time_unit='us', time_zone='UTC')": _zoned,
    _TEXT: _text,
}
# What a column becomes when later values are not of its type; where nothing stands, text.
_WIDER = {"Int64": "Float64", "Date": "Datetime(time_unit='us', time_zone=None)"}


class ColumnTypes:
    """The types of the columns as far as the values seen so far tell.

    Example:
        >>> types = ColumnTypes(["zip", "fare"])
        >>> types.take(pa.record_batch({"zip": ["007", "115"], "fare": ["7", None]}))[0].rows()
        [('007', 7), ('115', None)]
        >>> _, changed = types.take(pa.record_batch({"zip": ["116"], "fare": ["8.25"]}))
        >>> changed
        True
        >>> types.known()
        {'zip': 'String', 'fare': 'Float64'}
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._types: dict[str, str | None] = dict.fromkeys(names)
        self._wide: set[str] = set()  # columns with whole numbers that are not exact as floating-point numbers

    def take(self, batch: pa.RecordBatch) -> tuple[pl.DataFrame, bool]:
        """Take values into account, all of them text.

        Returns:
            The values in the types that are known now, and whether a type changed.
        """
        before = dict(self._types)
        columns = [self._taken(name, values) for name, values in zip(self._types, batch.columns, strict=True)]
        return to_polars(pa.table(columns, names=list(self._types))), self._types != before

    def known(self) -> dict[str, str]:
        """The type of each column; text where every value is null."""
        return {name: kind or _TEXT for name, kind in self._types.items()}

    def _taken(self, name: str, values: pa.Array) -> pa.Array:
        if values.null_count == len(values):
            return _TYPES[self._types[name] or _TEXT](values)
        kind = self._types[name]
        for candidate in list(_TYPES) if kind is None else [kind, _WIDER.get(kind, _TEXT), _TEXT]:
            if candidate == "Float64" and name in self._wide:
                continue
            try:
                converted = _TYPES[candidate](values)
            except (NotOfTypeError, pa.ArrowInvalid):
                continue
            if candidate == "Int64" and pc.any(pc.greater_equal(pc.abs(converted), _EXACT)).as_py():
                self._wide.add(name)
            self._types[name] = candidate
            return converted
        raise AssertionError("every value is text")


def convert(batch: pa.RecordBatch, types: Mapping[str, str]) -> pl.DataFrame:
    """The text of a batch as values of these types.

    Raises:
        NotOfTypeError: a value is not of its column's type.
    """
    try:
        columns = [_TYPES[kind](values) for kind, values in zip(types.values(), batch.columns, strict=True)]
    except pa.ArrowInvalid as error:
        raise NotOfTypeError from error
    return to_polars(pa.table(columns, names=list(types)))
