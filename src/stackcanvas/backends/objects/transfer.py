"""All objects from one store to another, each read back and compared; what is there already is not sent again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import blake3

from stackcanvas.backends.objects.base import ObjectInfo, Objects
from stackcanvas.errors import Corrupt, NotFound

_PART_BYTES = 8 << 20
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class CopiedObjects:
    """What was copied.

    Args:
        objects: in the source.
        bytes: of them all.
        sent: how many of them were not in the target yet.
        digest: BLAKE3 over the keys and digests of them all.
    """

    objects: int
    bytes: int
    sent: int
    digest: str


def copy_objects(
    source: Objects,
    target: Objects,
    *,
    mirror: bool = False,
    without: str | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> CopiedObjects:
    """Copy every object, several at a time, and compare each with what the target then holds.

    Called again after it was killed, it goes on with what is missing. Objects that are deleted from the source
    meanwhile are left out; of one that grows meanwhile, what was there when it was read is copied.

    Args:
        source: read only.
        target: gets what it lacks; an object of the same key and other bytes is replaced.
        mirror: delete from the target what the source does not hold.
        without: leave out the objects whose key begins like this.
        advance: told how many bytes more are done.

    Raises:
        Corrupt: the target gives back other bytes than were put.
        Unavailable: one of the stores cannot be read or written; what was copied stays.
    """
    whole = blake3.blake3()
    count = total = sent = 0
    kept: set[str] = set()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        listing = (info for info in source.list() if without is None or not info.key.startswith(without))
        while batch := list(islice(listing, 16 * _AT_ONCE)):
            for info, copied in zip(batch, pool.map(lambda one: _copy(source, target, one), batch), strict=True):
                advance(info.size_bytes)
                if copied is None:
                    continue
                digest, size_bytes, fresh = copied
                kept.add(info.key)
                whole.update(f"{info.key}\0{digest}\n".encode())
                count, total, sent = count + 1, total + size_bytes, sent + fresh
    if mirror:
        for stale in [info.key for info in target.list() if info.key not in kept]:
            target.delete(stale)
    return CopiedObjects(count, total, sent, whole.hexdigest())


def fingerprint_of(store: Objects) -> tuple[int, str]:
    """How many objects a store holds, and the digest that `copy_objects` would give for them.

    Raises:
        Unavailable: it cannot be read.
    """
    whole, count = blake3.blake3(), 0
    for info in store.list():
        whole.update(f"{info.key}\0{digest_of(store, info.key, info.size_bytes)}\n".encode())
        count += 1
    return count, whole.hexdigest()


def digest_of(store: Objects, key: str, size_bytes: int) -> str:
    """BLAKE3 of an object, read in parts.

    Raises:
        NotFound: there is none.
    """
    found = blake3.blake3()
    for part in _parts(store, key, size_bytes):
        found.update(part)
    return found.hexdigest()


def _copy(source: Objects, target: Objects, info: ObjectInfo) -> tuple[str, int, bool] | None:
    """Digest, size, and whether the object had to be sent; None when it is gone from the source."""
    try:
        if target.size(info.key) == info.size_bytes:
            digest = digest_of(source, info.key, info.size_bytes)
            if digest_of(target, info.key, info.size_bytes) == digest:
                return digest, info.size_bytes, False
        digest, size_bytes = _send(source, target, info)
    except NotFound:
        if source.size(info.key) is None:
            return None
        raise
    back = digest_of(target, info.key, size_bytes)
    if back != digest:
        raise Corrupt(f"the object {info.key} reads otherwise than it was written", where=target.url)
    return digest, size_bytes, True


def _send(source: Objects, target: Objects, info: ObjectInfo) -> tuple[str, int]:
    if info.size_bytes <= _PART_BYTES:
        data = source.get(info.key)
        target.put(info.key, data)
        return blake3.blake3(data).hexdigest(), len(data)
    found, sent_bytes = blake3.blake3(), 0
    with tempfile.NamedTemporaryFile(prefix="stackcanvas-") as draft:
        for part in _parts(source, info.key, info.size_bytes):
            found.update(part)
            draft.write(part)
            sent_bytes += len(part)
        draft.flush()
        target.put_file(info.key, Path(draft.name))
    return found.hexdigest(), sent_bytes


def _parts(store: Objects, key: str, size_bytes: int) -> Iterator[bytes]:
    for start in range(0, max(size_bytes, 1), _PART_BYTES):
        yield store.get(key, start=start, length=_PART_BYTES)
