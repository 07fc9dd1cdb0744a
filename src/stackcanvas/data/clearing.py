"""Clearing up: what no version needs is removed, what is needed stays readable all the while.

First the packs that are to go are condemned: from then on a commit that begins does not count on them. Then the work
that was writing before is waited for. Then it is looked again which chunks are needed, because that work may have made
versions of them; and only what still nobody needs is removed. A process killed in between leaves a condemned pack at
worst, which costs some space until the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from blake3 import blake3

from stackcanvas.data.parts import Parts
from stackcanvas.data.records import is_remote
from stackcanvas.data.store.packs import (
    PACK_BYTES,
    Entry,
    Frame,
    PackBuilder,
    encode_index,
    index_key,
    pack_key,
)
from stackcanvas.data.store.recipes import LONGEST_BYTES
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import Conflict, Corrupt, Refused
from stackcanvas.late import late
from stackcanvas.metadata import Execution

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")
    npt = late("numpy.typing")

LEASE = timedelta(hours=12)
"""How long a commit may take. What claims to be writing for twice as long, where nobody can ask it, is dead."""

WRITERS = ("data.commit", "data.pull")
"""The kinds of work that put contents into the store."""

_SPARSE = 0.5  # a pack of which less is needed is written anew
_POLL_S = 0.2
_LIMIT = 10_000
_KEY_BYTES = 8

_Keys: TypeAlias = "npt.NDArray[np.uint64]"


@dataclass(frozen=True, slots=True)
class Cleared:
    """What clearing up found and did.

    Args:
        packs: how many are in the store, before.
        needed_bytes: what versions need of them.
        removed: packs that were removed.
        removed_bytes: the space of packs and cached files that was given back, less what was written anew.
        rewritten: packs of which only a part was needed; that part lies in a new pack now.
        files: whole files of the cache that were removed.
        waiting: ids of work that was still writing when the patience was over: nothing was removed then.
        dry: nothing was done, the numbers tell what would be.
    """

    packs: int
    needed_bytes: int
    removed: int
    removed_bytes: int
    rewritten: int
    files: int
    waiting: tuple[str, ...] = ()
    dry: bool = False


@dataclass(frozen=True, slots=True)
class _Plan:
    packs: dict[bytes, list[Entry]]
    kept: dict[bytes, list[Entry]]  # what is needed of each pack
    strays: list[str]
    wholly: bool = False

    @property
    def going(self) -> list[bytes]:
        """The packs that are not needed, or needed so little that the rest is not worth its space.

        Where what is not needed must not be there any longer, however little: all packs that hold some of it.
        """
        share = 1.0 if self.wholly else _SPARSE
        return [pack for pack, entries in self.packs.items() if _bytes(self.kept[pack]) < share * _bytes(entries)]


def clear(
    parts: Parts, *, dry: bool, patience: timedelta, advance: Callable[[int], None], wholly: bool = False
) -> Cleared:
    """Remove what no version needs; see `Data.gc`.

    Args:
        wholly: also write packs anew of which most is needed, so that nothing is left of the rest.
    """
    if is_remote(parts.objects):
        raise Refused(
            f"{parts.objects.url} is a remote: others push to it, and what they need is not known here",
            fix="Clear up in the workspaces that push to it",
        )
    if dry:
        return _told(_plan(parts, _needed(parts)), 0, dry=True)
    with parts.spine.record("data.gc") as recording:
        parts.spine.executions.reap()  # one that was killed stands in nobody's way
        if any(found.id < recording.id for found in _running(parts, ["data.gc"])):
            raise Conflict("somebody is clearing up already", fix="Wait until it is done")
        return _clear(parts, recording.id, patience, advance, wholly=wholly)


def _clear(parts: Parts, own: str, patience: timedelta, advance: Callable[[int], None], *, wholly: bool) -> Cleared:
    plan = replace(_plan(parts, _needed(parts)), wholly=wholly)
    parts.index.condemn(own, plan.going)
    try:
        waiting = _wait(parts, patience)
        if waiting:
            return Cleared(len(plan.packs), sum(map(_bytes, plan.kept.values())), 0, 0, 0, 0, waiting=waiting)
        # Whoever was writing has ended, and whoever writes now does not count on what is condemned.
        needed = _needed(parts)
        again = _Plan(
            {pack: plan.packs[pack] for pack in plan.going}, _kept(plan.packs, plan.going, needed), plan.strays
        )
        written = _rewrite(parts, again)
        for pack in again.packs:
            # Without its index a pack does not count; a reader on its way finds the chunk in the new pack.
            parts.objects.delete(index_key(pack))
            parts.objects.delete(pack_key(pack))
            advance(_bytes(again.packs[pack]))
        still = set(parts.index.strays())
        for key in plan.strays:
            if key in still:
                parts.objects.delete(key)
        files, files_bytes = _uncached(parts)
    finally:
        parts.index.pardon()
        parts.index.refresh()
    return _told(plan, files, less=written, more=files_bytes)


def _told(plan: _Plan, files: int, *, less: int = 0, more: int = 0, dry: bool = False) -> Cleared:
    going = plan.going
    rewritten = [pack for pack in going if plan.kept[pack]]
    freed = sum(_bytes(plan.packs[pack]) for pack in going) + more
    freed -= sum(_bytes(plan.kept[pack]) for pack in rewritten) if dry else less
    needed = sum(map(_bytes, plan.kept.values()))
    return Cleared(len(plan.packs), needed, len(going), freed, len(rewritten), files, dry=dry)


def _needed(parts: Parts) -> _Keys:
    """The chunks that versions need, each by its first bytes: two that share them are both kept.

    Raises:
        Corrupt: what a version needs cannot be told.
    """
    parts.index.refresh()
    files: set[bytes] = set()
    found = []
    for version in _living(parts):
        try:
            found.append(_keys(parts.reader.closure([bytes.fromhex(version.listing)])))
            new = {bytes.fromhex(file.digest) for file in parts.listing(version)} - files
            found.append(_keys(parts.reader.closure(new)))
        except Corrupt as error:
            raise Corrupt(
                f"what {version.ref} needs cannot be told: {error.what}",
                fix="`stackcanvas data verify` lists what is damaged; nothing was removed",
            ) from error
        files |= new
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)


def _living(parts: Parts) -> list[DataVersion]:
    return [version for version in parts.versions.every() if version.forgotten is None]


def _keys(digests: Iterable[bytes]) -> _Keys:
    return np.frombuffer(b"".join(digest[:_KEY_BYTES] for digest in digests), np.uint64)


def _plan(parts: Parts, needed: _Keys) -> _Plan:
    packs = parts.index.packs()
    return _Plan(packs, _kept(packs, packs, needed), parts.index.strays())


def _kept(packs: dict[bytes, list[Entry]], chosen: Iterable[bytes], needed: _Keys) -> dict[bytes, list[Entry]]:
    kept = {}
    for pack in chosen:
        entries = packs[pack]
        there = np.isin(_keys(entry.digest for entry in entries), needed, assume_unique=False)
        kept[pack] = [entry for entry, wanted in zip(entries, there, strict=True) if wanted]
    return kept


def _bytes(entries: Sequence[Entry]) -> int:
    return sum(entry.stored_bytes for entry in entries)


def _wait(parts: Parts, patience: timedelta) -> tuple[str, ...]:
    """Wait for whoever is writing now; the ids of those who have not ended in time."""
    parts.spine.executions.reap()
    writing = {found.id for found in _writing(parts)}
    until = time.monotonic() + patience.total_seconds()
    while writing:
        writing &= {found.id for found in _writing(parts)}
        if time.monotonic() > until:
            break
        if writing:
            time.sleep(_POLL_S)
            parts.spine.executions.reap()
    return tuple(sorted(writing))


def _writing(parts: Parts) -> list[Execution]:
    return _running(parts, WRITERS)


def _running(parts: Parts, kinds: Iterable[str]) -> list[Execution]:
    oldest = parts.spine.clock.now() - 2 * LEASE
    running = [
        found for kind in kinds for found in parts.spine.executions.search(kind=kind, state="running", limit=_LIMIT)
    ]
    return [found for found in running if found.started > oldest]


def _rewrite(parts: Parts, plan: _Plan) -> int:
    """Write what is needed of packs that are to go into new ones; returns the bytes."""
    written = 0
    builder = PackBuilder(bytearray(PACK_BYTES + 2 * LONGEST_BYTES))
    for pack, entries in plan.kept.items():
        if not entries:
            continue
        data = memoryview(parts.objects.get(pack_key(pack)))
        for entry in entries:
            frame = data[entry.offset : entry.offset + entry.stored_bytes]
            builder.add(Frame(entry.digest, frame, entry.length_bytes, entry.level, entry.packed))
            if builder.size_bytes >= PACK_BYTES:
                written += _seal(parts, builder)
                builder = PackBuilder(builder.buffer)
    return written + (_seal(parts, builder) if builder.entries else 0)


def _seal(parts: Parts, builder: PackBuilder) -> int:
    pack: bytes = blake3(builder.data).digest()
    parts.objects.put(pack_key(pack), builder.data)
    parts.objects.put(index_key(pack), encode_index(builder.entries))
    parts.index.add(pack, builder.entries)
    return builder.size_bytes


def _uncached(parts: Parts) -> tuple[int, int]:
    """Remove whole files that no version has from the cache; links that were made of them live on."""
    wanted = {file.digest for version in _living(parts) for file in parts.listing(version)}
    return parts.whole.keep(wanted)
