"""Bytes from afar: which keys a client may read and write, and how it is made sure that the bytes are what they say.

What is kept under a digest is checked against it before anybody can see it. The index of a pack says what lies where,
and readers believe it, so every entry of one that comes from afar is held against the bytes of the pack.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from stackcanvas.backends.objects import Objects, check_key
from stackcanvas.data.store.packs import PACK_BYTES, Entry, decode_index, from_frame, pack_key
from stackcanvas.data.store.reader import Chunk
from stackcanvas.data.store.recipes import LONGEST_BYTES, read_recipe
from stackcanvas.errors import BadInput, Corrupt, Refused

if TYPE_CHECKING:
    from stackcanvas.data.store import Reader
    from stackcanvas.stack.stack import Stack

_READABLE = ("data/packs/", "data/manifests/", "data/profiles/", "data/condemned/", "models/", "runs/")
_HEX = "[0-9a-f]{64}"
_BY_DIGEST = re.compile(rf"(?:data/packs/({_HEX})\.pack|data/manifests/({_HEX})|models/[0-9a-f]{{2}}/({_HEX}))")
_INDEX = re.compile(rf"data/packs/({_HEX})\.index")
_OF_RUN = re.compile(r"runs/(?P<run>[0-9a-f]{32})/artifacts/.+")
_LARGEST_PACK_BYTES = 4 * PACK_BYTES
_LARGEST_INDEX_BYTES = 64 << 20
# Each holds a pack in memory while it is checked.
_CHECKING = threading.Semaphore(2)


def readable(key: str) -> str:
    """The key or prefix itself, when clients may read there.

    Raises:
        BadInput: no store can have such a key.
        Refused: what lies there is the stack's own.
    """
    if ".." in key.split("/"):
        raise BadInput(f"the key {key[:200]!r} leads out of the store")
    if not key.startswith(_READABLE):
        raise Refused(f"what lies at {key[:200]!r} is not given to clients")
    return key


class Holding:
    """Takes bytes that clients send.

    Args:
        stack: whose object store they go to.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def take(self, key: str, path: Path, *, if_absent: bool) -> None:
        """Keep the bytes of a file, when they are what the key says.

        Raises:
            Refused: clients may not write there.
            BadInput: the bytes are not those of the digest.
            Conflict: the key is taken, and they were to be new.
        """
        self.largest(key)
        objects: Objects = self._stack.objects
        digested, index = _BY_DIGEST.fullmatch(key), _INDEX.fullmatch(key)
        if digested is not None:
            digest = next(filter(None, digested.groups()))
            if key.startswith("models/") and not key.startswith(f"models/{digest[:2]}/"):
                raise BadInput("the file of a model lies in the folder of its digest", where=key)
            if _digest_of(path) != digest:
                raise BadInput("the bytes are not those of the digest in the key", where=key)
        elif index is not None:
            with _CHECKING:
                self._check_index(bytes.fromhex(index[1]), path, key)
        # What is there already under a digest has these very bytes, unless the disk has harmed them: this mends them.
        objects.put_file(key, path, if_absent=if_absent)

    def largest(self, key: str) -> int | None:
        """How many bytes are taken for a key; None for any number. Asked before the first of them is read.

        Raises:
            Refused: clients may not write there.
            NotFound: there is no such run.
        """
        check_key(key)
        run = _OF_RUN.fullmatch(key)
        if run is not None:
            with self._stack.spine.read() as connection:
                self._stack.experiments.runs.experiment_of(connection, run["run"])
            return None
        if _INDEX.fullmatch(key):
            return _LARGEST_INDEX_BYTES
        if _BY_DIGEST.fullmatch(key):
            return None if key.startswith("models/") else _LARGEST_PACK_BYTES
        raise Refused(f"nothing is taken from clients at {key[:200]!r}")

    def _check_index(self, pack: bytes, path: Path, key: str) -> None:
        objects: Objects = self._stack.objects
        size = objects.size(pack_key(pack))
        if size is None or size > _LARGEST_PACK_BYTES:
            raise BadInput("the pack of this index is not there, or larger than any", where=key)
        data = objects.get(pack_key(pack))
        if blake3(data).digest() != pack:
            raise Corrupt("the pack is damaged", where=pack_key(pack))
        try:
            check_entries(decode_index(path.read_bytes(), where=key), data, self._stack.data.parts.reader)
        except Corrupt as error:
            raise BadInput(f"the index does not fit its pack: {error.what}", where=key) from None


def check_entries(entries: list[Entry], data: bytes, reader: Reader) -> None:
    """Hold every entry of an index against the bytes of its pack.

    Args:
        data: of the pack.
        reader: of the store, for chunks that a recipe names and that lie in other packs.

    Raises:
        Corrupt: an entry says what is not so.
    """
    places: dict[bytes, Entry] = {}
    for entry in entries:
        if entry.offset + entry.stored_bytes > len(data) or entry.length_bytes > 2 * LONGEST_BYTES:
            raise Corrupt("an entry reaches beyond the pack")
        if entry.level > 4:
            raise Corrupt("a content is cut more often than any is")
        places[entry.digest] = entry
        if entry.level == 0 and blake3(_payload(entry, data)).digest() != entry.digest:
            raise Corrupt("a chunk is not what its digest says")
    for entry in entries:
        if entry.level:
            _check_recipe(entry, places, data, reader)


def _check_recipe(entry: Entry, places: Mapping[bytes, Entry], data: bytes, reader: Reader) -> None:
    """Hold the content that a recipe describes against its digest, chunk by chunk."""

    def chunk(digest: bytes) -> bytes:
        here = places.get(digest)
        if here is not None and here.level == 0:
            return _payload(here, data)
        (found,) = reader.fetch([digest])
        if not isinstance(found, Chunk) or found.level:
            raise Corrupt("a content has a chunk that is not there")
        return found.payload

    steps = read_recipe(_payload(entry, data))
    for _ in range(entry.level - 1):
        steps = read_recipe(b"".join(chunk(digest) for digest, _ in steps))
    whole = blake3()
    for digest, length in steps:
        piece = chunk(digest)
        if len(piece) != length:
            raise Corrupt("a chunk has another length than its content says")
        whole.update(piece)
    if whole.digest() != entry.digest:
        raise Corrupt("a content is not what its digest says")


def _payload(entry: Entry, data: bytes) -> bytes:
    payload = from_frame(entry, data[entry.offset : entry.offset + entry.stored_bytes])
    if len(payload) != entry.length_bytes:
        raise Corrupt("a chunk has another length than the index says")
    return payload


def _digest_of(path: Path) -> str:
    hasher = blake3()
    if path.stat().st_size:
        hasher.update_mmap(path)
    return hasher.hexdigest()
