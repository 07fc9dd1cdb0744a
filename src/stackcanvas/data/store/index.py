"""Which chunk lies in which pack: a local cache of the index objects, which are the truth.

Losing the cache costs the time to read the index objects again. `refresh` takes in packs that others have written and
forgets packs that are gone, so that a commit never counts on a chunk that nobody has any more.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.backends.objects import Objects
from stackcanvas.data.store.packs import INDEX, PACK, PREFIX, Entry, decode_index, index_key
from stackcanvas.errors import Corrupt, NotFound

_CHUNK, _PACK, _MARK = b"c", b"p", b"m"
_CONDEMNED = "data/condemned/"
_PLACE = struct.Struct("<32sQIIBBB")
_PAGE = 10_000


class Place(NamedTuple):
    """Where a chunk lies.

    Args:
        bad: reading it has failed; a writer stores the chunk again.
    """

    pack: bytes
    entry: Entry
    bad: bool = False


class ChunkIndex:
    """Finds chunks in the packs of an object store.

    Args:
        objects: the store.
        cache: a key-value store that belongs to this index alone.
    """

    def __init__(self, objects: Objects, cache: KeyValue) -> None:
        self._objects = objects
        self._cache = cache

    def locate(self, digests: Sequence[bytes]) -> list[Place | None]:
        """Where each chunk lies, as far as the cache knows."""
        found = self._cache.get_many([_CHUNK + digest for digest in digests])
        return [None if value is None else _place(digest, value) for digest, value in zip(digests, found, strict=True)]

    def known(self, digests: Sequence[bytes]) -> list[bool]:
        """Whether each chunk is in the store and was readable so far."""
        return [place is not None and not place.bad for place in self.locate(digests)]

    def add(self, pack: bytes, entries: Iterable[Entry]) -> None:
        """Take in a pack whose index object is durable."""
        self._store((Place(pack, entry) for entry in entries), packs=[pack])

    def mark_bad(self, places: Iterable[Place]) -> None:
        """Remember that reading failed, so that the next commit of these chunks stores them again."""
        self._store((place._replace(bad=True) for place in places), packs=[])

    def refresh(self) -> None:
        """Bring the cache up to date with the packs in the object store."""
        listed = self._listed()
        known = {key[1:] for key, _, _ in self._cache.scan(_PACK)}
        if known - listed:
            # Rare, and which chunks were in a lost pack cannot always be told: begin anew.
            self._clear()
            known = set()
        for pack in sorted(listed - known):
            self.add(pack, self._read(pack))
        self._heed()

    def packs(self) -> dict[bytes, list[Entry]]:
        """Every pack that counts, with what lies in it; read from the object store, not from the cache."""
        return {pack: self._read(pack) for pack in sorted(self._listed())}

    def strays(self) -> list[str]:
        """Keys of packs and indexes that do not count, because their other half is missing."""
        found = self._names()
        without_index = (f"{PREFIX}{name}{PACK}" for name in found[PACK] - found[INDEX])
        return sorted([*without_index, *(f"{PREFIX}{name}{INDEX}" for name in found[INDEX] - found[PACK])])

    def damaged(self) -> Iterator[str]:
        """Keys of indexes that are not what was written; a workspace that has taken them in before does without."""
        for pack in sorted(self._listed()):
            key = index_key(pack)
            try:
                decode_index(self._objects.get(key), where=key)
            except Corrupt:
                yield key
            except NotFound:  # cleared away just now
                continue

    def condemn(self, name: str, packs: Iterable[bytes]) -> None:
        """Tell every writer not to count on packs any more: from its next `refresh` on it stores their chunks again."""
        self._objects.put(_CONDEMNED + name, "\n".join(pack.hex() for pack in packs).encode())
        self._heed()

    def pardon(self) -> None:
        """Take back what was ever told by `condemn`; a chunk that was stored again meanwhile stays in both packs."""
        for info in list(self._objects.list(_CONDEMNED)):
            self._objects.delete(info.key)

    def others(self, place: Place) -> Iterator[Place]:
        """The same chunk in other packs: slow, for when a pack is damaged."""
        for pack in sorted(self._listed() - {place.pack}):
            for entry in self._read(pack):
                if entry.digest == place.entry.digest:
                    yield Place(pack, entry)

    def lost(self, digests: Collection[bytes]) -> dict[bytes, Place]:
        """The chunks that were in a pack that is missing, as far as its index is still there."""
        found = self._names()
        return {
            entry.digest: Place(bytes.fromhex(name), entry)
            for name in sorted(found[INDEX] - found[PACK])
            for entry in self._read(bytes.fromhex(name))
            if entry.digest in digests
        }

    def _listed(self) -> set[bytes]:
        found = self._names()
        return {bytes.fromhex(name) for name in found[PACK] & found[INDEX]}

    def _names(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {PACK: set(), INDEX: set()}
        for info in self._objects.list(PREFIX):
            name, dot, suffix = info.key.removeprefix(PREFIX).partition(".")
            if dot + suffix in found:
                found[dot + suffix].add(name)
        return found

    def _heed(self) -> None:
        """Take note of packs that are to go: their chunks count as bad, which readers do not mind."""
        heeded = {key for key, _, _ in self._cache.scan(_MARK)}
        for info in self._objects.list(_CONDEMNED):
            mark = _MARK + info.key.removeprefix(_CONDEMNED).encode()
            if mark in heeded:
                continue
            try:
                packs = [bytes.fromhex(line) for line in self._objects.get(info.key).decode().split()]
            except NotFound:
                continue
            for pack in packs:
                places = self.locate([entry.digest for entry in self._read(pack)])
                self.mark_bad(place for place in places if place is not None and place.pack == pack)
            self._cache.put_many([(mark, 0, b"")])

    def _read(self, pack: bytes) -> list[Entry]:
        key = index_key(pack)
        try:
            return decode_index(self._objects.get(key), where=key)
        except (NotFound, Corrupt):
            return []  # `verify` names it; chunks that are found nowhere else are reported as missing

    def _store(self, places: Iterable[Place], *, packs: Sequence[bytes]) -> None:
        rows = [(_CHUNK + place.entry.digest, 0, _value(place)) for place in places]
        # The mark that the pack was taken in comes with its last chunks: killed before, it is taken in again.
        self._cache.put_many(rows + [(_PACK + pack, 0, b"") for pack in packs])

    def _clear(self) -> None:
        keys: list[bytes] = []
        for key, _, _ in self._cache.scan(b""):
            keys.append(key)
            if len(keys) == _PAGE:
                self._cache.delete_many(keys)
                keys = []
        self._cache.delete_many(keys)


def _value(place: Place) -> bytes:
    entry = place.entry
    return _PLACE.pack(
        place.pack, entry.offset, entry.stored_bytes, entry.length_bytes, entry.level, entry.packed, place.bad
    )


def _place(digest: bytes, value: bytes) -> Place:
    pack, offset, stored_bytes, length_bytes, level, packed, bad = _PLACE.unpack(value)
    return Place(pack, Entry(digest, offset, stored_bytes, length_bytes, level, bool(packed)), bool(bad))
