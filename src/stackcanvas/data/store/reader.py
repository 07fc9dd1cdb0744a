"""Gets contents out of the store; every chunk is checked against its digest before anybody sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice, repeat

from blake3 import blake3

from stackcanvas.backends.objects import Objects
from stackcanvas.data.store.cutting import WHOLE_BYTES
from stackcanvas.data.store.index import ChunkIndex, Place
from stackcanvas.data.store.packs import from_frame, pack_key
from stackcanvas.data.store.recipes import groups, read_recipe
from stackcanvas.errors import Corrupt, NotFound

WINDOW_BYTES = 8 << 20
_GAP_BYTES = 64 << 10  # reading over a smaller hole is cheaper than asking twice
_RANGE_BYTES = 16 << 20
_PARALLEL_BYTES = 1 << 20
_THREADS = 2
_GROUP = 10_000
_GONE = "the pack is missing"


@dataclass(frozen=True, slots=True)
class Damage:
    """A chunk that cannot be read.

    Args:
        chunk: its digest in hexadecimal.
        pack: the key of the pack that should hold it; None when no pack does.
        offset: where in the pack.
        what: what was found instead.
    """

    chunk: str
    pack: str | None
    offset: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was stored under a digest; a recipe when the level is above 0."""

    digest: bytes
    level: int
    payload: bytes


class Reader:
    """Reads contents by their digest.

    Args:
        objects: where the packs are.
        index: what lies where; refreshed when a chunk is not found.
    """

    def __init__(self, objects: Objects, index: ChunkIndex) -> None:
        self._objects = objects
        self._index = index
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="stackcanvas-data")

    def content(self, digest: bytes) -> Iterator[bytes]:
        """The content, piece by piece, in constant memory.

        Raises:
            Corrupt: a part of it is missing or not what was written.
        """
        for chunk in self.probe(digest):
            yield _sound(chunk).payload

    def whole(self, digest: bytes) -> bytes:
        """The content at once."""
        return b"".join(self.content(digest))

    def contents(self, wanted: Iterable[tuple[bytes, int]]) -> Iterator[Iterator[bytes]]:
        """Many contents, given by digest and size, each piece by piece; small ones are read together.

        Raises:
            Corrupt: a part of one is missing or not what was written.
        """
        for large, group in groupby(wanted, key=lambda one: one[1] > WHOLE_BYTES):
            if large:
                yield from (self.content(digest) for digest, _ in group)
                continue
            for digests in groups(group, WINDOW_BYTES):
                for chunk in self.fetch(digests):
                    yield iter([_sound(chunk).payload])

    def complete(self, digests: Sequence[bytes]) -> list[bool]:
        """Whether each content is in the store with all its chunks, as far as the index knows."""
        return [
            place is not None and not place.bad and (not place.entry.level or self._has_all(place.entry.digest))
            for place in self._index.locate(digests)
        ]

    def closure(self, digests: Iterable[bytes]) -> Iterator[bytes]:
        """Every chunk that contents need, lists of chunks included; small contents are not read for it.

        Raises:
            Corrupt: a content is not in the store, or a list of chunks is damaged.
        """
        waiting = iter(digests)
        while group := list(islice(waiting, _GROUP)):
            for digest, place in zip(group, self._located(group), strict=True):
                yield digest
                if place is None:
                    yield from (_sound(chunk).digest for chunk in self.fetch([digest]))  # which says what is wrong
                elif place.entry.level:
                    yield from self._below(digest)

    def probe(self, digest: bytes) -> Iterator[Chunk | Damage]:
        """The chunks of the content in their order, or what is wrong with them."""
        (found,) = self.fetch([digest])
        if isinstance(found, Damage) or found.level == 0:
            yield found
            return
        try:
            steps = self._unfold(found)
        except Corrupt as error:
            yield Damage(digest.hex(), None, None, error.what)
            return
        for group in groups(steps, WINDOW_BYTES):
            yield from self.fetch(group)

    def fetch(self, digests: Sequence[bytes]) -> list[Chunk | Damage]:
        """The chunks of these digests, in this order, each whole or as what is wrong with it."""
        places = self._located(digests)
        found: dict[bytes, Chunk | Damage] = {}
        if None in places:
            missing = {digest for digest, place in zip(digests, places, strict=True) if place is None}
            lost = self._index.lost(missing)
            for digest in missing:
                found[digest] = (
                    _damage(lost[digest], _GONE)
                    if digest in lost
                    else Damage(digest.hex(), None, None, "no pack holds it")
                )
        known = {place.entry.digest: place for place in places if place is not None}
        for chunk in self._read(known.values()):
            digest = chunk.digest if isinstance(chunk, Chunk) else bytes.fromhex(chunk.chunk)
            found[digest] = chunk if isinstance(chunk, Chunk) else self._rescued(known[digest], chunk)
        return [found[digest] for digest in digests]

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _located(self, digests: Sequence[bytes]) -> list[Place | None]:
        places = self._index.locate(digests)
        if None in places:
            self._index.refresh()
            places = self._index.locate(digests)
        return places

    def _below(self, digest: bytes) -> Iterator[bytes]:
        """The chunks under a recipe, and those of the recipe itself."""
        (found,) = self.fetch([digest])
        chunk = _sound(found)
        steps = read_recipe(chunk.payload)
        for _ in range(chunk.level - 1):
            yield from (step for step, _ in steps)
            parts = self.fetch([step for step, _ in steps])
            steps = read_recipe(b"".join(_sound(part).payload for part in parts))
        yield from (step for step, _ in steps)

    def _has_all(self, digest: bytes) -> bool:
        (recipe,) = self.fetch([digest])
        try:
            steps = self._unfold(_sound(recipe))
        except Corrupt:
            return False
        return all(self._index.known([step for step, _ in steps]))

    def _unfold(self, chunk: Chunk) -> list[tuple[bytes, int]]:
        """The chunks of the content that a recipe describes."""
        steps = read_recipe(chunk.payload)
        for _ in range(chunk.level - 1):
            parts = self.fetch([digest for digest, _ in steps])
            steps = read_recipe(b"".join(_sound(part).payload for part in parts))
        return steps

    def _read(self, places: Iterable[Place]) -> Iterator[Chunk | Damage]:
        """Read places with few calls: neighbours in a pack come together."""
        for run in _runs(places):
            first, last = run[0].entry, run[-1].entry
            try:
                data = self._objects.get(
                    pack_key(run[0].pack), start=first.offset, length=last.offset + last.stored_bytes - first.offset
                )
            except NotFound:
                yield from (_damage(place, _GONE) for place in run)
                continue
            if len(data) < _PARALLEL_BYTES:
                yield from _checked(run, data, first.offset)
            else:
                share = len(run) // _THREADS + 1
                shares = [run[start : start + share] for start in range(0, len(run), share)]
                for found in self._threads.map(_checked, shares, repeat(data), repeat(first.offset)):
                    yield from found

    def _moved(self, place: Place) -> list[Place | None]:
        """Where a chunk lies now whose pack was there a moment ago: clearing up moves what is needed."""
        self._index.refresh()
        return [
            found if found and found.pack != place.pack else None for found in self._index.locate([place.entry.digest])
        ]

    def _rescued(self, place: Place, damage: Damage) -> Chunk | Damage:
        """The same chunk from another pack, or the damage. The next commit of the chunk stores it again."""
        (now,) = self._moved(place) if damage.what == _GONE else (None,)
        if now is not None:
            for chunk in self._read([now]):
                if isinstance(chunk, Chunk):
                    return chunk
        self._index.mark_bad([place])
        for other in self._index.others(place):
            for chunk in self._read([other]):
                if isinstance(chunk, Chunk):
                    self._index.add(other.pack, [other.entry])
                    return chunk
        return damage


def _sound(chunk: Chunk | Damage) -> Chunk:
    if isinstance(chunk, Chunk):
        return chunk
    raise Corrupt(
        f"the chunk {chunk.chunk[:12]} cannot be read: {chunk.what}",
        where=chunk.pack,
        fix="`stackcanvas data verify` lists what is damaged; committing the same data again from a good copy mends it",
    )


def _runs(places: Iterable[Place]) -> Iterator[list[Place]]:
    run: list[Place] = []
    # One of no bytes lies where the next begins, and must not end the run before that.
    for place in sorted(places, key=lambda place: (place.pack, place.entry.offset, place.entry.stored_bytes)):
        if run and not _together(run, place):
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def _together(run: list[Place], place: Place) -> bool:
    first, last, entry = run[0].entry, run[-1].entry, place.entry
    return (
        place.pack == run[0].pack
        and entry.offset - last.offset - last.stored_bytes <= _GAP_BYTES
        and entry.offset + entry.stored_bytes - first.offset <= _RANGE_BYTES
    )


def _checked(run: Sequence[Place], data: bytes, start: int) -> list[Chunk | Damage]:
    found = []
    for place in run:
        offset = place.entry.offset - start
        found.append(_check(place, data[offset : offset + place.entry.stored_bytes]))
    return found


def _check(place: Place, frame: bytes) -> Chunk | Damage:
    entry = place.entry
    if len(frame) < entry.stored_bytes:
        return _damage(place, "the pack ends too early")
    try:
        payload = from_frame(entry, frame)
        if entry.level:
            read_recipe(payload)
    except Corrupt as error:
        return _damage(place, error.what)
    if entry.level == 0 and blake3(payload).digest() != entry.digest:
        return _damage(place, "its bytes are not what was written")
    return Chunk(entry.digest, entry.level, payload)


def _damage(place: Place, what: str) -> Damage:
    return Damage(place.entry.digest.hex(), pack_key(place.pack), place.entry.offset, what)
