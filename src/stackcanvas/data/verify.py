"""Verify: whether every byte of every version can be had, and is what was committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blake3 import blake3

from stackcanvas.data.manifest import DELTA, DataFile, Manifest, digest_of, manifest_key
from stackcanvas.data.parts import Parts, profile_key
from stackcanvas.data.read import rows_of
from stackcanvas.data.store import Damage
from stackcanvas.data.versions import DataVersion
from stackcanvas.errors import Corrupt, NotFound, StackCanvasError
from stackcanvas.metadata import Ref


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not what was committed.

    Args:
        version: the version that suffers; None when it is the store itself.
        path: the file that suffers; None when it is the version as a whole.
        what: what is wrong.
        chunk: the damaged chunk.
        pack: the key of the pack that it is in.
        offset: where in the pack.
    """

    version: Ref | None
    path: str | None
    what: str
    chunk: str | None = None
    pack: str | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and what was found; sound when there are no problems.

    Args:
        size_bytes: what was read; contents that several files share are read once.
    """

    versions: int
    files: int
    size_bytes: int
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(parts: Parts, ref: Ref | None, advance: Callable[[int], None]) -> Verification:
    """Read everything; see `Data.verify`."""
    chosen = parts.versions.every() if ref is None else [parts.versions.get(ref)]
    versions = [version for version in chosen if version.forgotten is None]
    check = _Check(parts, advance)
    problems = [problem for version in versions for problem in check.version(version)]
    if ref is None or problems:
        said = "the index of a pack is damaged"
        problems += [Problem(None, None, said, pack=key) for key in parts.index.damaged()]
    files = sum(version.files for version in versions)
    return Verification(len(versions), files, check.size_bytes, tuple(problems))


class _Check:
    """Reads each content once, however many versions share it."""

    def __init__(self, parts: Parts, advance: Callable[[int], None]) -> None:
        self.damages: dict[str, list[Damage]] = {}
        self.size_bytes = 0
        self._parts = parts
        self._advance = advance

    def version(self, version: DataVersion) -> list[Problem]:
        problems = self._manifest(version)
        damages = self._content(version.listing)
        problems += [_problem(version, None, damage) for damage in damages]
        if not damages:
            for file in self._listing(version, problems):
                problems += [_problem(version, file.path, damage) for damage in self._content(file.digest)]
        if version.kind == DELTA and not problems:
            problems += self._reference(version)
        return problems

    def _reference(self, version: DataVersion) -> list[Problem]:
        """Whether the table still has what is referred to."""
        try:
            rows_of(self._parts, version)
        except StackCanvasError as error:
            return [Problem(version.ref, None, str(error).rstrip("."))]
        return []

    def _manifest(self, version: DataVersion) -> list[Problem]:
        key = manifest_key(version.digest)
        try:
            data = self._parts.objects.get(key)
            manifest = Manifest.from_bytes(data, where=key)
        except NotFound:
            return [Problem(version.ref, None, "its manifest is missing", pack=key)]
        except Corrupt as error:
            return [Problem(version.ref, None, error.what, pack=key)]
        problems = []
        if digest_of(data) != version.digest:
            problems.append(Problem(version.ref, None, "its manifest is not what was written", pack=key))
        recorded = (version.listing, tuple(version.columns.items()), version.rows, version.size_bytes)
        if recorded != (manifest.listing, manifest.columns, manifest.rows, manifest.size_bytes):
            problems.append(Problem(version.ref, None, "its record differs from its manifest", pack=key))
        return problems + self._profile(version)

    def _profile(self, version: DataVersion) -> list[Problem]:
        key = profile_key(version.digest)
        try:
            missing = bool(version.columns) and version.profile is None
        except Corrupt as error:
            return [Problem(version.ref, None, error.what, pack=key)]
        return [Problem(version.ref, None, "its profile is missing", pack=key)] if missing else []

    def _listing(self, version: DataVersion, problems: list[Problem]) -> list[DataFile]:
        try:
            return self._parts.listing(version)
        except Corrupt as error:
            problems.append(Problem(version.ref, None, error.what))
            return []

    def _content(self, digest: str) -> list[Damage]:
        if digest not in self.damages:
            self.damages[digest] = self._read(digest)
        return self.damages[digest]

    def _read(self, digest: str) -> list[Damage]:
        damages: list[Damage] = []
        whole = blake3()
        for chunk in self._parts.reader.probe(bytes.fromhex(digest)):
            if isinstance(chunk, Damage):
                damages.append(chunk)
                continue
            whole.update(chunk.payload)
            self.size_bytes += len(chunk.payload)
            self._advance(len(chunk.payload))
        if not damages and whole.hexdigest() != digest:
            damages.append(Damage(digest, None, None, "its chunks are not those of the content"))
        return damages


def _problem(version: DataVersion, path: str | None, damage: Damage) -> Problem:
    what = damage.what if path else f"its list of files: {damage.what}"
    return Problem(version.ref, path, what, damage.chunk, damage.pack, damage.offset)
