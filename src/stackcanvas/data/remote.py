"""Remotes: push versions to another object store, pull them from it.

Packs travel whole, several at once, and each is checked against its name when it leaves and when it arrives. What has
arrived stays: a transfer that breaks off goes on where it was. A version is recorded on the other side last, so nobody
ever sees one whose contents are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from blake3 import blake3

from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.data.manifest import Manifest, decode_listing, digest_of, manifest_key
from stackcanvas.data.parts import Parts, profile_key
from stackcanvas.data.records import Record, Records
from stackcanvas.data.store import ChunkIndex, Reader
from stackcanvas.data.store.packs import decode_index, index_key, pack_key
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, Corrupt, NotFound
from stackcanvas.metadata import Ref

_AT_ONCE = 4
_GROUP = 10_000
_MEND = "`stackcanvas data verify` lists what is damaged"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What went to a remote or came from it.

    Args:
        url: of the remote, without secrets.
        versions: those that the other side did not have.
        packs: how many travelled.
        size_bytes: what they weigh.
        tags: how many were given on the other side.
        tags_kept: tags that stand for another version there, as `name@tag`; they stay.
    """

    url: str
    versions: tuple[Ref, ...]
    packs: int
    size_bytes: int
    tags: int
    tags_kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Store:
    objects: Objects
    index: ChunkIndex
    reader: Reader


def push(parts: Parts, url: str, chosen: Sequence[Ref], *, move_tags: bool, advance: Callable[[int], None]) -> Transfer:
    """Send versions to a remote; see `Data.push`."""
    versions = _chosen(parts, chosen)
    with _opened(parts, url) as remote, parts.spine.record("data.push", parameters={"to": remote.objects.url}):
        records = Records(remote.objects)
        names = sorted({version.name for version in versions})
        there = {name: records.origins(name) for name in names}
        new = [version for version in versions if version.origin not in there[version.name]]
        for name in {version.name for version in new}:
            records.announce(name)
        here = _Store(parts.objects, parts.index, parts.reader)
        packs, size_bytes = _send(here, remote, [version.listing for version in new], advance)
        for version in new:
            for key in (manifest_key(version.digest), profile_key(version.digest)):
                _copy(parts.objects, remote.objects, key)
            records.add(version)
        given, kept = 0, []
        for version in versions:
            for tag in version.tags:
                holder = records.tag(version.name, tag, version.origin, move=move_tags)
                given += holder is None
                kept += [f"{version.name}@{tag}"] if holder is not None else []
    return Transfer(remote.objects.url, tuple(version.ref for version in new), packs, size_bytes, given, tuple(kept))


def pull(
    parts: Parts, url: str, chosen: Sequence[Ref], *, digests: Collection[str] | None, advance: Callable[[int], None]
) -> Transfer:
    """Bring versions from a remote; see `Data.pull`.

    Args:
        digests: only versions with these contents; None for all.
    """
    with (
        _opened(parts, url) as remote,
        parts.spine.record("data.pull", parameters={"from": remote.objects.url}) as recording,
    ):
        records = Records(remote.objects)
        wanted = _wanted(records, chosen)
        if digests is not None:
            wanted = [record for record in wanted if record.digest in digests]
        with parts.spine.read() as connection:
            here = {name: parts.versions.origins(connection, name) for name in {record.name for record in wanted}}
        new = [record for record in wanted if record.origin not in here[record.name]]
        manifests = {record.digest: _manifest(parts, remote.objects, record) for record in new}
        listings = [manifests[record.digest].listing for record in new]
        mine = _Store(parts.objects, parts.index, parts.reader)
        packs, size_bytes = _send(remote, mine, listings, advance)
        parts.index.refresh()
        made = []
        for record in new:
            version = _add(parts, record, manifests[record.digest], recording.id)
            if version is not None:
                recording.made(version.ref)
                made.append(version.ref)
        given, kept = _take_tags(parts, records, {record.name for record in wanted})
    return Transfer(remote.objects.url, tuple(made), packs, size_bytes, given, tuple(kept))


@contextmanager
def _opened(parts: Parts, url: str) -> Iterator[_Store]:
    objects = open_objects(url)
    if objects.url == parts.objects.url:
        raise BadInput("the remote is the store of this workspace itself", where=objects.url, expected="another one")
    folder = parts.scratch.folder.parent / "remotes"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{digest_of(objects.url.encode())[:16]}.db"
    cache = open_keyvalue(f"sqlite:///{quote(str(place))}")
    index = ChunkIndex(objects, cache)
    reader = Reader(objects, index)
    try:
        index.refresh()
        parts.index.refresh()
        yield _Store(objects, index, reader)
    finally:
        reader.close()
        cache.close()


def _chosen(parts: Parts, refs: Sequence[Ref]) -> list[DataVersion]:
    """The versions that refs name, all of a data set where only its name is given, all of everything without refs."""
    found: dict[str, DataVersion] = {}
    for ref in refs:
        if ref.selector is None:
            found |= {str(version.ref): version for version in parts.versions.log(ref.name)}
        else:
            version = parts.versions.get(ref)
            found[str(version.ref)] = version
    chosen = found.values() if refs else parts.versions.every()
    return sorted((version for version in chosen if version.forgotten is None), key=lambda one: (one.name, one.number))


def _wanted(records: Records, refs: Sequence[Ref]) -> list[Record]:
    names = records.names()
    for ref in refs:
        if ref.name not in names:
            raise NotFound("data set on the remote", ref.name, known=names)
    chosen = sorted({ref.name for ref in refs}) if refs else names
    wanted = []
    for name in chosen:
        found = records.versions(name)
        selectors = {ref.selector for ref in refs if ref.name == name}
        if not refs or None in selectors:
            wanted += found
            continue
        tags = records.tags(name)
        for selector in sorted(filter(None, selectors)):
            matching = [one for one in found if selector == str(one.number) or tags.get(selector) == one.origin]
            if selector == "latest":
                matching = found[-1:]
            if not matching:
                raise NotFound("version on the remote", f"{name}@{selector}", known=[f"{name}@{tag}" for tag in tags])
            wanted += matching
    return wanted


def _send(source: _Store, target: _Store, listings: Iterable[str], advance: Callable[[int], None]) -> tuple[int, int]:
    """Bring the packs across that the target lacks; returns how many, and their bytes."""
    packs: set[bytes] = set()
    seen: set[bytes] = set()
    for listing in dict.fromkeys(listings):
        digest = bytes.fromhex(listing)
        packs |= _lacking(source, target, [digest])
        files = {
            bytes.fromhex(file.digest)
            for file in decode_listing(source.reader.whole(digest), where=f"listing {listing}")
        }
        packs |= _lacking(source, target, files - seen)
        seen |= files
    sent = 0

    def carry(pack: bytes) -> int:
        size_bytes = _carry(source.objects, target.objects, pack)
        advance(size_bytes)
        return size_bytes

    threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stackcanvas-remote")
    try:
        for size_bytes in threads.map(carry, sorted(packs)):
            sent += size_bytes
    finally:
        threads.shutdown(cancel_futures=True)
    return len(packs), sent


def _lacking(source: _Store, target: _Store, digests: Iterable[bytes]) -> set[bytes]:
    """The packs of the source with chunks of these contents that the target does not have."""
    packs = set()
    waiting = source.reader.closure(digests)
    while group := list(islice(waiting, _GROUP)):
        missing = [one for one, known in zip(group, target.index.known(group), strict=True) if not known]
        packs |= {place.pack for place in source.index.locate(missing) if place is not None}
    return packs


def _carry(source: Objects, target: Objects, pack: bytes) -> int:
    key = pack_key(pack)
    data = source.get(key)
    if blake3(data).digest() != pack:
        raise Corrupt("the pack is not what was written", where=f"{source.url}/{key}", fix=_MEND)
    index = source.get(index_key(pack))
    decode_index(index, where=f"{source.url}/{index_key(pack)}")
    if target.size(key) != len(data):  # it may have come across before the transfer broke off
        target.put(key, data)
    target.put(index_key(pack), index)
    return len(data) + len(index)


def _copy(source: Objects, target: Objects, key: str) -> None:
    size_bytes = source.size(key)
    if size_bytes is not None and target.size(key) != size_bytes:
        target.put(key, source.get(key))


def _manifest(parts: Parts, remote: Objects, record: Record) -> Manifest:
    key = manifest_key(record.digest)
    data = remote.get(key)
    if digest_of(data) != record.digest:
        raise Corrupt("the manifest is not what was written", where=f"{remote.url}/{key}")
    manifest = Manifest.from_bytes(data, where=key)
    for one in (key, profile_key(record.digest)):
        _copy(remote, parts.objects, one)
    return manifest


def _add(parts: Parts, record: Record, manifest: Manifest, execution: str) -> DataVersion | None:
    """Enter a version into the database, under its own number where that is free."""
    row = {
        **record.facts,
        "source": list(record.facts["source"]),  # type: ignore[call-overload]
        "digest": record.digest,
        "columns": dict(manifest.columns),
        "created": record.created,
        "execution": execution,
        "origin": record.origin,
    }
    with parts.spine.write() as tx:
        if record.origin in parts.versions.origins(tx, record.name):
            return None  # another pull was faster
        version = parts.versions.add(tx, record.name, manifest, row, wanted=record.number)
        facts = {"rows": version.rows, "files": version.files, "size_bytes": version.size_bytes}
        parts.spine.artifacts.add(tx, version.ref, digest=version.digest, execution=execution, facts=facts)
        parts.spine.events.emit(tx, "data.pulled", version.ref, {"digest": version.digest, **facts})
        parts.spine.audit.add(tx, "data.pull", version.ref, {"digest": version.digest})
    return version


def _take_tags(parts: Parts, records: Records, names: Collection[str]) -> tuple[int, list[str]]:
    given, kept = 0, []
    for name in sorted(names):
        there = records.tags(name)
        if not there:
            continue
        with parts.spine.write() as tx:
            numbers = parts.versions.origins(tx, name)
            for tag, origin in sorted(there.items()):
                if origin not in numbers:
                    continue  # its version was not asked for
                holder = parts.versions.find(tx, Ref("data", name, tag))
                if holder is None:
                    version = parts.versions.find(tx, Ref("data", name, str(numbers[origin])))
                    assert version is not None
                    parts.versions.tag(tx, version, tag)
                    given += 1
                elif holder.origin != origin:
                    kept.append(f"{name}@{tag}")
    return given, kept
