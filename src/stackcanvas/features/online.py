"""The online store: of each view and key the values that count now, written from the same rows as training sets.

An item lies under view, definition and key values; its order is the event time, so that an older event never replaces
a newer one whatever order the writers come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.features.columns import instants_us, require_columns
from stackcanvas.features.view import FeatureView

_BATCH_ROWS = 50_000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Online:
    """Writes the current rows of views and reads them by key."""

    def __init__(self, store: KeyValue) -> None:
        self._store = store

    def put(self, view: FeatureView, rows: pl.LazyFrame, *, after: datetime | None, until: datetime) -> int:
        """Write of each key the row that counts at `until`, among those that became available after `after`.

        Returns:
            How many rows were new to the store.
        """
        current = current_rows(view, rows, after=after, until=until)
        keys, events = current.select(view.keys).rows(), current["__event"].to_list()
        values = current.select(view.features).rows()
        prefix, kept = _prefix(view), 0
        for start in range(0, len(keys), _BATCH_ROWS):
            part = slice(start, start + _BATCH_ROWS)
            batch = zip(keys[part], events[part], values[part], strict=True)
            kept += self._store.put_many(
                [(prefix + _encode(key), event, _encode((event, value))) for key, event, value in batch]
            )
        return kept

    def drop(self, name: str, definition: str) -> None:
        """Remove what an older definition of a view has written."""
        prefix = f"{name}\0{definition}\0".encode()
        for batch in _batches(key for key, _, _ in self._store.scan(prefix)):
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
            NotFound: a row lacks a key column.
        """
        now_us = to_us(now)
        asked = [_prefix(view) + _encode(_key(view, row)) for view, _ in wanted for row in keys]
        found = self._store.get_many(asked)
        rows: list[dict[str, Any]] = [{} for _ in keys]
        for place, (view, features) in enumerate(wanted):
            positions = [(name, view.features.index(name)) for name in features]
            oldest = None if view.ttl is None else now_us - view.ttl // timedelta(microseconds=1)
            for row, item in zip(rows, found[place * len(keys) : (place + 1) * len(keys)], strict=True):
                event, values = _decode(item) if item is not None else (None, None)
                known = event is not None and (oldest is None or event >= oldest)
                row.update({name: values[position] if known else None for name, position in positions})
        return rows


def current_rows(view: FeatureView, rows: pl.LazyFrame, *, after: datetime | None, until: datetime) -> pl.DataFrame:
    """Of each key the row with the greatest event time, knowledge time and position that is available at `until`."""
    where, schema = f"view {view.name}", rows.collect_schema()
    times = [view.event_time] if view.known_time is None else [view.event_time, view.known_time]
    require_columns(schema, [*view.keys, *times, *view.features], where=where)
    event = instants_us(schema, view.event_time, up=True, where=where)
    known = event if view.known_time is None else instants_us(schema, view.known_time, up=True, where=where)
    marked = rows.select(*view.keys, *view.features, event.alias("__event"), known.alias("__known"))
    marked = marked.with_row_index("__row").drop_nulls([*view.keys, "__event", "__known"])
    available = pl.max_horizontal("__event", "__known")
    chosen = marked.filter(available <= to_us(until))
    if after is not None:
        chosen = chosen.filter(available > to_us(after))
    ordered = chosen.sort("__event", "__known", "__row").unique(list(view.keys), keep="last", maintain_order=True)
    return ordered.collect()


def _prefix(view: FeatureView) -> bytes:
    return f"{view.name}\0{view.ref.selector}\0".encode()


def _key(view: FeatureView, row: Mapping[str, object]) -> tuple[object, ...]:
    missing = [name for name in view.keys if name not in row]
    if missing:
        raise NotFound("key", missing[0], known=map(str, row), where=f"view {view.name}")
    values = tuple(row[name] for name in view.keys)
    for name, value in zip(view.keys, values, strict=True):
        if isinstance(value, float) or not isinstance(value, str | int | bool | bytes | None):
            raise BadInput(
                f"the key {name!r} is {value!r}",
                where=f"view {view.name}",
                expected="text, a whole number or a boolean",
            )
    return values


def _batches(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for key in keys:
        batch.append(key)
        if len(batch) == _BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
