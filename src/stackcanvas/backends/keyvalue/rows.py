"""Rows of features in a key-value store: how they are laid out and how they are read.

The stack writes them, the stack and the closed prediction server read them; both by these few functions, so that they
cannot differ. An item lies under view, definition and key values, and holds its event time and the values of the
view's features in order, both as MessagePack. Its order is (event time, knowledge time): of two rows of one event the
one that became known later counts, and of two that tie on both the one that is written later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stackcanvas.backends.keyvalue.base import KeyValue
from stackcanvas.errors import BadInput

PRESENT, NULL, MISSING, EXPIRED = "present", "null", "missing", "expired"
KEPT_KEYS = "text, whole numbers or booleans"
KINDS: Mapping[str, tuple[type, ...]] = {"text": (str,), "number": (int,), "boolean": (bool,)}
"""Kinds of keys and what Python holds them as."""
LIST = "list of "
"""What the kind of a feature begins with that holds several of another kind."""

_HALF = 1 << 63
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class Place(msgspec.Struct, frozen=True):
    """One view as it lies in the store.

    Args:
        name: of the view.
        definition: tells two definitions of one name apart.
        keys: the columns that identify a row, in order.
        features: what a row holds, in order.
        ttl_us: how old an event may be; None for any age.
        kinds: of the keys, as far as known: text, number or boolean.
        feature_kinds: of the features, as far as known: integer, float, boolean, text, instant, bytes, a list of one
            of these, or empty.
    """

    name: str
    definition: str
    keys: tuple[str, ...]
    features: tuple[str, ...]
    ttl_us: int | None = None
    kinds: tuple[str, ...] = ()
    feature_kinds: tuple[str, ...] = ()

    @property
    def prefix(self) -> bytes:
        """What the keys of its items begin with."""
        return f"{self.name}\0{self.definition}\0".encode()

    @property
    def mark(self) -> bytes:
        """The key of the item that says how far it has come; no view has an empty name."""
        return f"\0mark\0{self.name}\0{self.definition}".encode()


class Row(msgspec.Struct, frozen=True, array_like=True):
    """What was found of one key: one of the states, the event's time, a value for each feature."""

    state: str
    event_us: int | None
    values: Sequence[Any]


def item(
    prefix: bytes, key: tuple[object, ...], event_us: int, known_us: int, values: object
) -> tuple[bytes, int, bytes]:
    """One row as the store takes it."""
    return prefix + _pack(key), (event_us << 64) + known_us + _HALF, _pack((event_us, values))


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """How far a view has come: from which source, until when, and what its rows are made of."""

    source: str
    until_us: int
    kinds: tuple[str, ...]
    feature_kinds: tuple[str, ...]


_unpack_mark = msgspec.msgpack.Decoder(Mark).decode


def marking(place: Place, mark: Mark) -> tuple[bytes, int, bytes]:
    """The item that says how far a view has come: it lies beside the rows, and is lost with them."""
    return place.mark, 0, _pack(mark)


def marked(store: KeyValue, places: Sequence[Place]) -> list[Mark | None]:
    """How far each view has come; None where it was never brought."""
    found = store.get_many([place.mark for place in places])
    return [None if one is None else _unpack_mark(one) for one in found]


class Reader:
    """Reads rows of views by key.

    Args:
        store: where they lie.
    """

    def __init__(self, store: KeyValue) -> None:
        self._store = store

    def read(self, places: Sequence[Place], keys: Sequence[Mapping[str, object]], *, now_us: int) -> list[list[Row]]:
        """Of each view the row of each key as it counts at an instant, in one trip to the store.

        Args:
            places: the views.
            keys: a mapping of key columns to values for each row asked; may hold more.
            now_us: the instant that ages are told from, both ends of the time to live included.

        Raises:
            BadInput: a row lacks a key, or has one that no row can have.
            Unavailable: the store does not answer.
        """
        packed: dict[tuple[tuple[str, ...], ...], list[bytes]] = {}
        asked = []
        for place in places:
            same = (place.keys, place.kinds)
            if same not in packed:
                packed[same] = list(_keys(place, keys))
            prefix = place.prefix
            asked += [prefix + key for key in packed[same]]
        found = iter(self._store.get_many(asked))
        return [self._rows(place, [next(found) for _ in keys], now_us) for place in places]

    @staticmethod
    def _rows(place: Place, items: Sequence[bytes | None], now_us: int) -> list[Row]:
        nothing = [None] * len(place.features)
        missing = Row(MISSING, None, nothing)
        oldest = None if place.ttl_us is None else now_us - place.ttl_us
        rows = []
        for one in items:
            if one is None:
                rows.append(missing)
                continue
            event_us, values = _unpack(one)
            if oldest is not None and event_us < oldest:
                rows.append(Row(EXPIRED, event_us, nothing))
            else:
                rows.append(Row(PRESENT, event_us, values))
        return rows


def check_kinds(place: Place, kinds: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Refuse keys that are of another kind than those of the view, as far as these are known.

    Raises:
        BadInput: names the first.
    """
    for name, kind in zip(place.keys, kinds, strict=False):
        for row in rows:
            if row[name] is not None and type(row[name]) not in KINDS[kind]:
                raise BadInput(f"the key {name!r} is {row[name]!r}"[:90], where=f"view {place.name}", expected=kind)


def _keys(place: Place, rows: Sequence[Mapping[str, object]]) -> Iterator[bytes]:
    names, kinds = place.keys, [KINDS.get(kind) for kind in place.kinds] or [None] * len(place.keys)
    for row in rows:
        try:
            values = tuple([row[name] for name in names])
        except KeyError as missing:
            raise BadInput(
                f"the row {dict(row)!r} lacks the key {missing.args[0]!r}"[:300],
                where=f"view {place.name}",
                expected=", ".join(names),
            ) from None
        for name, kind, value in zip(names, kinds, values, strict=True):
            if value is not None and type(value) not in (kind or (str, int, bool)):
                shown = repr(value)[:60]
                wanted = KEPT_KEYS if kind is None else place.kinds[names.index(name)]
                raise BadInput(f"the key {name!r} is {shown}", where=f"view {place.name}", expected=wanted)
        try:
            yield _pack(values)
        except OverflowError:
            raise BadInput("a key has more than 64 bits", where=f"view {place.name}") from None
