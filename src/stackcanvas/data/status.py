"""Status: whether the files in the project are those of the version that was committed or checked out there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stackcanvas.data.lockfile import Locked, LockFile
from stackcanvas.data.manifest import DataFile, digest_of, encode_listing
from stackcanvas.data.parts import Parts
from stackcanvas.data.places import Place
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref

UNCHANGED, CHANGED, MISSING, ELSEWHERE = "unchanged", "changed", "missing", "not here"


@dataclass(frozen=True, slots=True)
class Status:
    """One data set as it lies in the project.

    Args:
        number: the version that was committed from here or checked out here; None when the data set is not here.
        latest: the newest version.
        locked: the version in `data.lock`.
        state: `unchanged`, `changed`, `missing` or `not here`.
        folder: what the paths start from.
        added: paths that the version does not have.
        removed: paths that only the version has.
        changed: paths with other content.
    """

    name: str
    number: int | None
    latest: int
    locked: int | None
    state: str
    folder: Path | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def status(parts: Parts) -> list[Status]:
    """Every data set, sorted by name; see `Data.status`."""
    places = {place.name: place for place in parts.places.all()}
    locked = LockFile(parts.root, parts.scratch).read()
    return [_one(parts, latest, places.get(latest.name), locked.get(latest.name)) for latest in parts.versions.latest()]


def _one(parts: Parts, latest: DataVersion, place: Place | None, locked: Locked | None) -> Status:
    at = locked.number if locked else None
    if place is None:
        return Status(latest.name, None, latest.number, at, ELSEWHERE)
    version = latest
    if place.number != latest.number:
        version = parts.versions.get(Ref("data", place.name, str(place.number)))
    try:
        gathered = parts.gather(place.roots, folder=place.folder)
    except (NotFound, BadInput):
        return Status(latest.name, version.number, latest.number, at, MISSING, place.folder)
    digests = parts.seen.read([file for _, file in gathered.files])
    here = [
        DataFile(path, file.size_bytes, digest.hex())
        for (path, file), digest in zip(gathered.files, digests, strict=True)
    ]
    if digest_of(encode_listing(here)) == version.listing:
        return Status(latest.name, version.number, latest.number, at, UNCHANGED, place.folder)
    added, removed, changed = compared(parts.listing(version), here)
    return Status(latest.name, version.number, latest.number, at, CHANGED, place.folder, added, removed, changed)


def compared(before: list[DataFile], now: list[DataFile]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The paths that were added, removed and changed, each sorted."""
    was = {file.path: file.digest for file in before}
    has = {file.path: file.digest for file in now}
    added = tuple(sorted(has.keys() - was.keys()))
    removed = tuple(sorted(was.keys() - has.keys()))
    return added, removed, tuple(sorted(path for path in was.keys() & has.keys() if was[path] != has[path]))
