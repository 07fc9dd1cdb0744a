"""The online store: of each view and key the values that count now, written from the same rows as training sets.

An item lies under view, definition and key values, and holds its event time and the values of the view's features in
order, both as MessagePack. Its order is the event time, so that an older event never replaces a newer one, whatever
order the writers come in; of two rows of one event the one that is written later counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.features.columns import instants_us, require_columns
from stackcanvas.features.view import FeatureView

_BATCH_ROWS = 50_000
_EVENT, _KNOWN, _ROW = "__event", "__known", "__row"
_KEY_TYPES = (pl.Boolean, pl.String, pl.Categorical, pl.Enum)
_MICROSECOND = timedelta(microseconds=1)
_KEPT_KEYS = "text, whole numbers or booleans"
_KEPT_FEATURES = "numbers, text, booleans, instants with a time zone, bytes, or lists of them"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Online:
    """Writes the current rows of views and reads them by key.

    Args:
        store: where the items lie.
    """

    def __init__(self, store: KeyValue) -> None:
        self._store = store
        self._prefixes: dict[int, tuple[FeatureView, bytes]] = {}

    def put(self, view: FeatureView, rows: pl.LazyFrame, *, after: datetime | None, until: datetime) -> int:
        """Write of each key the row that counts at `until`, among those that became available after `after`.

        Returns:
            How many rows were not older than what the store had.

        Raises:
            BadInput: the rows lack a column, or hold what the store cannot give back as it was.
        """
        current = current_rows(view, rows, after=after, until=until)
        prefix, kept = self._prefix(view), 0
        for part in current.iter_slices(_BATCH_ROWS):
            keys, values = part.select(view.keys).rows(), part.select(view.features).rows()
            events = part[_EVENT].to_list()
            kept += self._store.put_many(
                [
                    (prefix + _encode(key), event, _encode((event, value)))
                    for key, event, value in zip(keys, events, values, strict=True)
                ]
            )
        return kept

    def drop(self, name: str, definition: str) -> None:
        """Remove what an older definition of a view has written."""
        for batch in _batches(key for key, _, _ in self._store.scan(_prefix(name, definition))):
            self._store.delete_many(batch)

    def get(
        self,
        wanted: Sequence[tuple[FeatureView, Sequence[str]]],
        keys: Sequence[Mapping[str, object]],
        *,
        now: datetime,
    ) -> list[dict[str, Any]]:
        """The features of each key as they count at `now`; None where nothing is known or it is too old.

        Args:
            wanted: views and which of their features.
            keys: a mapping of key columns to values for each row asked.

        Raises:
            BadInput: a row lacks a key, or has one that no row can have.
        """
        now_us = to_us(now)
        asked = [prefix + key for view, _ in wanted for prefix in (self._prefix(view),) for key in _keys(view, keys)]
        found = self._store.get_many(asked)
        rows: list[dict[str, Any]] = [{} for _ in keys]
        for place, (view, features) in enumerate(wanted):
            positions = [view.features.index(name) for name in features]
            whole = positions == list(range(len(view.features)))
            unknown = dict.fromkeys(features)
            oldest = None if view.ttl is None else now_us - view.ttl // _MICROSECOND
            for row, item in zip(rows, found[place * len(keys) : (place + 1) * len(keys)], strict=True):
                event, values = _decode(item) if item is not None else (None, ())
                if event is None or (oldest is not None and event < oldest):
                    row.update(unknown)
                else:
                    row.update(zip(features, values if whole else [values[at] for at in positions], strict=True))
        return rows

    def _prefix(self, view: FeatureView) -> bytes:
        # The ref hashes the whole definition, too long for each read; the view is kept so that its id stays its own.
        known = self._prefixes.get(id(view))
        if known is None:
            known = self._prefixes[id(view)] = (view, _prefix(view.name, str(view.ref.selector)))
        return known[1]


def current_rows(view: FeatureView, rows: pl.LazyFrame, *, after: datetime | None, until: datetime) -> pl.DataFrame:
    """Of each key the row with the greatest event time, knowledge time and position that is available at `until`.

    Args:
        after: only rows that became available later than this.
    """
    where, schema = f"view {view.name}", rows.collect_schema()
    times = [view.event_time] if view.known_time is None else [view.event_time, view.known_time]
    require_columns(schema, [*view.keys, *times, *view.features], where=where)
    _require_kept_types(view, schema)
    event = instants_us(schema, view.event_time, up=True, where=where)
    known = event if view.known_time is None else instants_us(schema, view.known_time, up=True, where=where)
    texts = [pl.col(key).cast(pl.String) for key in view.keys if schema[key] in (pl.Categorical, pl.Enum)]
    marked = rows.select(*view.keys, *view.features, event.alias(_EVENT), known.alias(_KNOWN)).with_columns(texts)
    marked = marked.with_row_index(_ROW).drop_nulls([*view.keys, _EVENT, _KNOWN])
    available = pl.max_horizontal(_EVENT, _KNOWN)
    chosen = marked.filter(available <= to_us(until))
    if after is not None:
        chosen = chosen.filter(available > to_us(after))
    ordered = chosen.sort(_EVENT, _KNOWN, _ROW).unique(list(view.keys), keep="last", maintain_order=True)
    return ordered.collect()


def _require_kept_types(view: FeatureView, schema: pl.Schema) -> None:
    """Refuse what would come back as something else."""
    problems = [
        BadInput(
            f"the {kind} {name!r} is of type {schema[name]}",
            where=f"view {view.name}",
            expected=_KEPT_KEYS if kind == "key" else _KEPT_FEATURES,
            fix="Turn it into one of these in the view's transform",
        )
        for kind, names in (("key", view.keys), ("feature", view.features))
        for name in names
        if not _is_kept(schema[name], feature=kind == "feature")
    ]
    if problems:
        raise BadInputs(problems)


def _is_kept(dtype: pl.DataType, *, feature: bool) -> bool:
    if not feature:
        return dtype in _KEY_TYPES or (dtype.is_integer() and dtype != pl.Int128)
    if isinstance(dtype, pl.List | pl.Array):
        return isinstance(dtype.inner, pl.DataType) and _is_kept(dtype.inner, feature=True)
    if isinstance(dtype, pl.Datetime):
        return dtype.time_zone is not None
    return dtype.is_float() or dtype in (pl.Null, pl.Binary) or _is_kept(dtype, feature=False)


def _prefix(name: str, definition: str) -> bytes:
    return f"{name}\0{definition}\0".encode()


def _keys(view: FeatureView, rows: Sequence[Mapping[str, object]]) -> Iterator[bytes]:
    names = view.keys
    for row in rows:
        try:
            values = tuple(row[name] for name in names)
        except KeyError as missing:
            raise BadInput(
                f"the row {dict(row)!r} lacks the key {missing.args[0]!r}",
                where=f"view {view.name}",
                expected=", ".join(names),
            ) from None
        for value in values:
            if not isinstance(value, str | int | None):
                raise BadInput(f"a key is {value!r}", where=f"view {view.name}", expected=_KEPT_KEYS)
        yield _encode(values)


def _batches(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for key in keys:
        batch.append(key)
        if len(batch) == _BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
