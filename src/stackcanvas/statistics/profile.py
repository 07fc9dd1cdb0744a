"""Profiles of tables: small, mergeable, exact as JSON; the same for training data, traffic and checks."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from stackcanvas.errors import BadInput, Corrupt
from stackcanvas.late import late
from stackcanvas.statistics.categorical import CategoricalProfile
from stackcanvas.statistics.instants import InstantProfile
from stackcanvas.statistics.numeric import NumericProfile

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa = late("pyarrow")
    pc = late("pyarrow.compute")

_VERSION = 1
_STEP_ROWS = 1 << 17  # keeps memory constant on long tables


@dataclass(frozen=True, slots=True)
class OpaqueProfile:
    """Counts of a column whose values are not compared: lists, records, bytes; or one that holds nulls only.

    Example:
        >>> Profile.of({"tags": pa.array([["a"], None])}).columns["tags"].nulls
        1
    """

    kind: ClassVar[str] = "opaque"
    rows: int
    nulls: int

    def merge(self, other: OpaqueProfile) -> OpaqueProfile:
        """The profile of both sets of rows."""
        return OpaqueProfile(self.rows + other.rows, self.nulls + other.nulls)

    def with_nulls(self, more: int) -> OpaqueProfile:
        """The same column with so many more rows that are null."""
        return replace(self, rows=self.rows + more, nulls=self.nulls + more)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON holds it, exactly."""
        return {"kind": self.kind, "rows": self.rows, "nulls": self.nulls}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> OpaqueProfile:
        """The profile that `to_dict` wrote."""
        return cls(int(record["rows"]), int(record["nulls"]))


ColumnProfile = NumericProfile | CategoricalProfile | InstantProfile | OpaqueProfile

_KINDS: dict[str, type[ColumnProfile]] = {
    kind.kind: kind for kind in (NumericProfile, CategoricalProfile, InstantProfile, OpaqueProfile)
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a table: its rows and a profile of each column.

    Numbers (integers, decimals and durations, too) give a `NumericProfile`, texts, dictionaries and booleans a
    `CategoricalProfile`, dates and instants an `InstantProfile`, everything else an `OpaqueProfile`.

    Example:
        >>> import numpy as np
        >>> day = Profile.of({"delay": np.array([1.0, 4.0]), "origin": np.array(["EWR", "JFK"])})
        >>> both = day.merge(Profile.of({"delay": np.array([7.0]), "origin": np.array(["EWR"])}))
        >>> both.rows, both.columns["delay"].mean, both.columns["origin"].counts
        (3, 4.0, {'EWR': 2, 'JFK': 1})
        >>> Profile.from_json(both.to_json()) == both
        True
    """

    rows: int
    columns: dict[str, ColumnProfile]

    @classmethod
    def of(cls, columns: Mapping[str, np.ndarray[Any, Any] | pa.Array | pa.ChunkedArray]) -> Profile:
        """The profile of these columns, which have the same length.

        Raises:
            BadInput: columns differ in length, or one holds values of several kinds.
        """
        arrays = {name: _array(name, values) for name, values in columns.items()}
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise BadInput(f"columns differ in length: {lengths}", expected="as many values in each column")
        return cls.of_arrow(pa.table(arrays))

    @classmethod
    def of_arrow(cls, table: Any) -> Profile:
        """The profile of a table: of Arrow, or of anything that gives an Arrow stream, such as a Polars frame."""
        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        if not isinstance(table, pa.Table):
            table = pa.table(table)
        if len(set(table.column_names)) < table.num_columns:
            raise BadInput("two columns have the same name", expected="different names")
        columns = {name: _column(table.column(name)) for name in table.column_names}
        return cls(table.num_rows, columns)

    @classmethod
    def of_batches(cls, batches: Iterable[Any]) -> Profile:
        """The profile of a stream of tables or record batches, in the memory of one of them.

        Raises:
            BadInput: the stream is empty, or its parts have different columns.
        """
        profiles = (cls.of_arrow(batch) for batch in batches)
        first = next(profiles, None)
        if first is None:
            raise BadInput("there is no batch to profile", expected="at least one, which may have no rows")
        return functools.reduce(cls.merge, profiles, first)

    def merge(self, other: Profile) -> Profile:
        """The profile of both tables, one under the other.

        Raises:
            BadInput: they have different columns, or a column is of another kind.
        """
        if self.columns.keys() != other.columns.keys():
            apart = sorted(self.columns.keys() ^ other.columns.keys())
            raise BadInput(f"profiles have different columns: {', '.join(apart)}", expected="the same columns in both")
        columns = {name: _merged(name, column, other.columns[name]) for name, column in self.columns.items()}
        return Profile(self.rows + other.rows, columns)

    def to_json(self) -> str:
        """The profile as JSON; `from_json` gives back exactly this one."""
        return json.dumps(self.to_dict(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """The profile as JSON holds it."""
        columns = {name: column.to_dict() for name, column in self.columns.items()}
        return {"version": _VERSION, "rows": self.rows, "columns": columns}

    @classmethod
    def from_json(cls, text: str | bytes) -> Profile:
        """The profile that `to_json` wrote.

        Raises:
            Corrupt: the text is no profile.
        """
        try:
            record = json.loads(text)
        except ValueError as error:
            raise Corrupt(f"the profile is no JSON: {error}", where="profile") from error
        return cls.from_dict(record)

    @classmethod
    def from_dict(cls, record: Any) -> Profile:
        """The profile that `to_dict` gave.

        Raises:
            Corrupt: the record is no profile, or one of a newer version.
        """
        try:
            if record["version"] != _VERSION:
                raise Corrupt(
                    f"the profile has version {record['version']}", where="profile", expected=f"version {_VERSION}"
                )
            columns = {str(name): _KINDS[item["kind"]].from_dict(item) for name, item in record["columns"].items()}
            return cls(int(record["rows"]), columns)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Corrupt(f"the profile lacks or garbles {error}", where="profile") from error


def _merged(name: str, left: ColumnProfile, right: ColumnProfile) -> ColumnProfile:
    """Both columns as one; a column of nulls only has no kind of its own yet."""
    for one, two in ((left, right), (right, left)):
        if one.kind == OpaqueProfile.kind and one.nulls == one.rows:
            return two.with_nulls(one.rows)
    if left.kind != right.kind:
        raise BadInput(f"column {name!r} is {left.kind} in one profile and {right.kind} in the other")
    return left.merge(right)  # type: ignore[arg-type]  # both are of one kind


def _array(name: str, values: np.ndarray[Any, Any] | pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    try:
        # Without this, Arrow would take NaN for null in arrays of objects only.
        return pa.array(values, from_pandas=values.dtype == object)
    except (pa.ArrowException, TypeError) as error:
        raise BadInput(f"column {name!r} cannot be read: {error}", expected="values of one kind in a column") from error


def _column(values: pa.ChunkedArray) -> ColumnProfile:
    parts = [_profiled(part) for part in _parts(values)] or [_profiled(pa.array([], values.type))]
    return functools.reduce(lambda left, right: _merged("", left, right), parts)


def _parts(values: pa.ChunkedArray) -> Iterator[pa.Array]:
    """The column in arrays of even size: neither a huge one at once nor many tiny ones."""
    for start in range(0, len(values), _STEP_ROWS):
        part = values.slice(start, _STEP_ROWS)
        yield part.chunk(0) if part.num_chunks == 1 else pa.concat_arrays(part.chunks)


def _profiled(values: pa.Array) -> ColumnProfile:
    kind, rows = values.type, len(values)
    if pa.types.is_dictionary(kind) and not _is_text(kind.value_type):
        values = values.dictionary_decode()
        kind = values.type
    if pa.types.is_string_view(kind):  # few of Arrow's functions take views
        values = pc.cast(values, pa.large_string())
        kind = values.type
    if pa.types.is_boolean(kind) or pa.types.is_dictionary(kind) or _is_text(kind):
        return CategoricalProfile.of(values)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return NumericProfile.of(_numbers(values, pa.float64()), rows=rows)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return NumericProfile.of(_numbers(_counted(values), pa.float64()), rows=rows)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        instants = pc.cast(values, pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        return InstantProfile.of(_numbers(instants, pa.int64()), rows=rows)
    return OpaqueProfile(rows, values.null_count)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _counted(values: pa.Array) -> pa.Array:
    """Durations and times of day as whole numbers of their unit."""
    return values.view(pa.int32() if pa.types.is_time32(values.type) else pa.int64())


def _numbers(values: pa.Array, kind: pa.DataType) -> np.ndarray[Any, Any]:
    """The values that are not null, as one numpy array."""
    known = values.drop_null() if values.null_count else values
    array: np.ndarray[Any, Any] = pc.cast(known, kind, safe=False).to_numpy(zero_copy_only=False)
    return array
