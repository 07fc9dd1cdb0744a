"""The online store: of each view and key the values that count now, written from the same rows as training sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.backends.keyvalue.rows import (
    KEPT_KEYS,
    LIST,
    MISSING,
    Mark,
    Place,
    Reader,
    Row,
    check_kinds,
    item,
    marked,
    marking,
)
from stackcanvas.clock import to_us
from stackcanvas.errors import BadInput, BadInputs
from stackcanvas.features.columns import instants_us, require_columns
from stackcanvas.features.erasing import online_of
from stackcanvas.features.view import FeatureView
from stackcanvas.late import late

if TYPE_CHECKING:
    import polars as pl
else:
    pl = late("polars")

_BATCH_ROWS = 20_000
_EVENT, _KNOWN, _ROW = "__event", "__known", "__row"
_MICROSECOND = timedelta(microseconds=1)
_KEPT_FEATURES = "numbers, text, booleans, instants with a time zone, bytes, or lists of them"


class Online:
    """Writes the current rows of views and reads them by key.

    Args:
        store: where the items lie.
    """

    def __init__(self, store: KeyValue) -> None:
        self._store = store
        self._reader = Reader(store)
        self._places: dict[int, tuple[FeatureView, Place]] = {}

    def put(self, view: FeatureView, rows: pl.LazyFrame, *, after: datetime | None, until: datetime) -> int:
        """Write of each key the row that counts at `until`, among those that became available after `after`.

        Returns:
            How many rows were not older than what the store had.

        Raises:
            BadInput: the rows lack a column, or hold what the store cannot give back as it was.
        """
        return self.put_rows(view, current_rows(view, rows, after=after, until=until))

    def put_rows(self, view: FeatureView, current: pl.DataFrame) -> int:
        """Write rows that `current_rows` has chosen."""
        return sum(self._store.put_many(items) for items in self._items(view, current))

    def replace(self, view: FeatureView, current: pl.DataFrame) -> int:
        """Write rows in place of all that a view has online; who reads meanwhile finds the old or the new ones."""
        before, kept = {key: order for key, order, _ in self._store.scan(self.place(view).prefix)}, 0
        for items in self._items(view, current):
            # Only what was taken back stands in the way; a moment later its older row is there.
            taken_back = [key for key, order, _ in items if before.pop(key, order) > order]
            if taken_back:
                self._store.delete_many(taken_back)
            kept += self._store.put_many(items)
        for batch in _batches(before):
            self._store.delete_many(batch)
        return kept

    def _items(self, view: FeatureView, current: pl.DataFrame) -> Iterator[list[tuple[bytes, int, bytes]]]:
        prefix = self.place(view).prefix
        for part in current.iter_slices(_BATCH_ROWS):
            keys, values = part.select(view.keys).rows(), part.select(view.features).rows()
            events, knowns = part[_EVENT].to_list(), part[_KNOWN].to_list()
            yield [item(prefix, *row) for row in zip(keys, events, knowns, values, strict=True)]

    def fitted(self, view: FeatureView, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the kinds of values that are online.

        Raises:
            BadInput: a key is of another kind, so that nobody would find it, or a feature is.
        """
        (noted,) = self.marked([view])
        if noted is None or rows.is_empty():
            return rows
        kinds, feature_kinds = _kinds(view, rows)
        for key, had, has in zip(view.keys, noted.kinds, kinds, strict=False):
            if had != has:
                raise BadInput(f"the key {key!r} is a {has}", where=f"view {view.name}", expected=f"a {had}")
        whole = []
        for feature, had, has in zip(view.features, noted.feature_kinds, feature_kinds, strict=False):
            if had and has and had != has:
                if had.replace("float", "integer") != has.replace("float", "integer"):
                    raise BadInput(f"the feature {feature!r} is {has}", where=f"view {view.name}", expected=had)
                whole += [feature] if had == "float" else []
        return rows.with_columns(pl.col(whole).cast(pl.Float64))

    def mark(self, view: FeatureView, *, source: str, until: datetime, rows: pl.DataFrame) -> None:
        """Note how far a view has come, beside its rows: whoever loses the rows loses the note."""
        kinds, feature_kinds = _kinds(view, rows)
        self._store.put_many([marking(self.place(view), Mark(source, to_us(until), kinds, feature_kinds))])

    def marked(self, views: Sequence[FeatureView]) -> list[Mark | None]:
        """How far each view has come; None where it was never brought."""
        return marked(self._store, [self.place(view) for view in views])

    def find(self, places: Mapping[str, Place], column: str, means: Callable[[object], bool]) -> Iterator[bytes]:
        """The keys of the rows of a person; see `online_of`."""
        return online_of(self._store, places, column, means)

    def delete(self, keys: Iterable[bytes]) -> None:
        """Remove rows by their keys."""
        for batch in _batches(keys):
            self._store.delete_many(batch)

    def drop_others(self, view: FeatureView) -> None:
        """Remove what other definitions of a view have written."""
        place = self.place(view)
        for prefix, own in ((f"{view.name}\0".encode(), place.prefix), (f"\0mark\0{view.name}\0".encode(), place.mark)):
            keys = (key for key, _, _ in self._store.scan(prefix) if not key.startswith(own))
            for batch in _batches(keys):
                self._store.delete_many(batch)

    def read(
        self, views: Sequence[FeatureView], keys: Sequence[Mapping[str, object]], *, now: datetime
    ) -> list[list[Row]]:
        """Of each view the row of each key as it counts at `now`.

        Raises:
            BadInput: a row lacks a key, or has one that no row can have.
        """
        places = [self.place(view) for view in views]
        found = self._reader.read(places, keys, now_us=to_us(now))
        if any(row.state == MISSING for column in found for row in column):
            # Before nothing is taken for an answer: a text where the view has numbers finds nothing for ever.
            for place, noted in zip(places, marked(self._store, places), strict=True):
                check_kinds(place, noted.kinds if noted is not None else (), keys)
        return found

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
        rows: list[dict[str, Any]] = [{} for _ in keys]
        found = self.read([view for view, _ in wanted], keys, now=now)
        for (view, features), column in zip(wanted, found, strict=True):
            positions = [view.features.index(name) for name in features]
            whole = positions == list(range(len(view.features)))
            for row, one in zip(rows, column, strict=True):
                row.update(zip(features, one.values if whole else [one.values[at] for at in positions], strict=True))
        return rows

    def place(self, view: FeatureView) -> Place:
        """Where a view lies."""
        # The ref hashes the whole definition, too long for each read; the view is kept so that its id stays its own.
        known = self._places.get(id(view))
        if known is None:
            known = self._places[id(view)] = (view, place_of(view))
        return known[1]


def place_of(view: FeatureView) -> Place:
    """Where a view lies, as readers need it."""
    ttl_us = None if view.ttl is None else view.ttl // _MICROSECOND
    return Place(view.name, str(view.ref.selector), view.keys, view.features, ttl_us)


def current_rows(view: FeatureView, rows: pl.LazyFrame, *, after: datetime | None, until: datetime) -> pl.DataFrame:
    """Of each key the row with the greatest event time, knowledge time and position that is available at `until`.

    Args:
        after: only rows that became available later than this.
    """
    where, zone, schema = f"view {view.name}", view.timezone, rows.collect_schema()
    require_columns(schema, [*view.keys, *view.times, *view.features], where=where)
    _require_kept_types(view, schema)
    event = instants_us(schema, view.event_time, up=True, where=where, zone=zone)
    known = event if view.known_time is None else instants_us(schema, view.known_time, up=True, where=where, zone=zone)
    texts = [pl.col(key).cast(pl.String) for key in view.keys if schema[key] in (pl.Categorical, pl.Enum)]
    marked = rows.select(*view.keys, *view.features, event.alias(_EVENT), known.alias(_KNOWN)).with_columns(texts)
    marked = marked.with_row_index(_ROW).drop_nulls([*view.keys, _EVENT, _KNOWN])
    available = pl.max_horizontal(_EVENT, _KNOWN)
    chosen = marked.filter(available <= to_us(until))
    if after is not None:
        chosen = chosen.filter(available > to_us(after))
    with view.computing():
        return chosen.sort(_EVENT, _KNOWN, _ROW).unique(list(view.keys), keep="last", maintain_order=True).collect()


def _kinds(view: FeatureView, rows: pl.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kinds of keys and features, so that what comes as JSON is told, or made to be, of the same kind."""
    keys = [rows.schema[key] for key in view.keys]
    features = [rows.schema[feature] for feature in view.features]
    return (
        tuple("text" if one == pl.String else "boolean" if one == pl.Boolean else "number" for one in keys),
        tuple(map(_kind, features)),
    )


def _kind(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List | pl.Array):
        inner = _kind(dtype.inner) if isinstance(dtype.inner, pl.DataType) else ""
        return inner and LIST + inner
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if dtype.is_float() or dtype.is_integer():
        return "float" if dtype.is_float() else "integer"
    return {pl.Boolean(): "boolean", pl.Binary(): "bytes"}.get(dtype, "instant" if dtype.is_temporal() else "")


def _require_kept_types(view: FeatureView, schema: pl.Schema) -> None:
    """Refuse what would come back as something else."""
    problems = [
        BadInput(
            f"the {kind} {name!r} is of type {schema[name]}",
            where=f"view {view.name}",
            expected=KEPT_KEYS if kind == "key" else _KEPT_FEATURES,
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
        return any(dtype == kind for kind in (pl.Boolean, pl.String, pl.Categorical, pl.Enum)) or (
            dtype.is_integer() and dtype != pl.Int128
        )
    if isinstance(dtype, pl.List | pl.Array):
        return isinstance(dtype.inner, pl.DataType) and _is_kept(dtype.inner, feature=True)
    if isinstance(dtype, pl.Datetime):
        return dtype.time_zone is not None
    return dtype.is_float() or dtype in (pl.Null, pl.Binary) or _is_kept(dtype, feature=False)


def _batches(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for key in keys:
        batch.append(key)
        if len(batch) == _BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
