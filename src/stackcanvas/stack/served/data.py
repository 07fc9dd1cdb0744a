"""Data of a served stack: files are read, cut and hashed here, kept and recorded there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stackcanvas.backends.objects import Objects
from stackcanvas.canvas.blocks.expectations import Expectations
from stackcanvas.data import Data, DataVersion
from stackcanvas.data.drafts import Draft, Wish
from stackcanvas.data.manifest import digest_of, manifest_key
from stackcanvas.data.parts import Parts, StoredProfile
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Recording, Ref
from stackcanvas.stack.served.link import Link
from stackcanvas.stack.served.parts import asked, refused
from stackcanvas.stack.served.spine import ServedSpine


class _Versions:
    """The records of versions, asked of the server."""

    def __init__(self, link: Link, objects: Objects) -> None:
        self._link = link
        self._objects = objects

    def get(self, ref: Ref) -> DataVersion:
        return self.with_profile(self._link.call("data.parts.versions", "get", ref))

    def find(self, _connection: object, ref: Ref) -> DataVersion | None:
        try:
            return self.get(ref)
        except NotFound:
            return None

    def log(self, name: str) -> list[DataVersion]:
        return [self.with_profile(one) for one in self._link.call("data.parts.versions", "log", name)]

    def latest(self) -> list[DataVersion]:
        return [self.with_profile(one) for one in self._link.call("data.parts.versions", "latest")]

    def every(self) -> list[DataVersion]:
        return [self.with_profile(one) for one in self._link.call("data.parts.versions", "every")]

    def by_digest(self, name: str, digest: str) -> DataVersion | None:
        found = self._link.call("data.parts.versions", "by_digest", name, digest)
        return None if found is None else self.with_profile(found)

    def with_profile(self, version: DataVersion) -> DataVersion:
        return replace(version, load_profile=StoredProfile(self._objects, version.digest))


class ServedData(Data):
    """As `Data`; the bytes travel through the server.

    Args:
        link: to the server.
        spine: of the served stack.
        objects: likewise.
        root: the folder of the project, or the one that files are committed from.
        cache: a folder for what can be made again; of this server alone.
        expectations: what tables must be like, by the name of the data set.
        sources: where data sets come from, by their names.
        about: what the canvas says of data sets.
        readers: first part of a name to what reads such names.
    """

    forget = asked("data", "forget")
    gc = asked("data", "gc")
    verify = asked("data", "verify")

    def __init__(
        self,
        link: Link,
        spine: ServedSpine,
        objects: Objects,
        root: Path,
        cache: Path,
        *,
        expectations: Mapping[str, Expectations],
        sources: Mapping[str, Any],
        about: Mapping[str, Mapping[str, object]],
        readers: Mapping[str, Any],
    ) -> None:
        self._link = link
        records: Any = spine
        found: Mapping[str, Any] = {**sources}
        super().__init__(
            records, objects, root, cache, expectations=expectations, sources=found, about=about, readers=readers
        )
        versions: Any = _Versions(link, objects)
        self._parts = replace(self._parts, versions=versions, record=self._entered)

    def tag(self, ref: Ref | str, name: str, *, move: bool = False) -> DataVersion:
        """Give a version a name."""
        found: DataVersion = self._link.call("data", "tag", ref, name, move=move)
        return self._versions.with_profile(found)

    def pull(self, *_: Any, **__: Any) -> Any:
        """Not from here: the server's stack would pull."""
        raise refused("data pull", self._link)

    @property
    def _versions(self) -> _Versions:
        found: Any = self._parts.versions
        assert isinstance(found, _Versions)
        return found

    def _entered(
        self, parts: Parts, made: Draft, wish: Wish, source: Sequence[str], recording: Recording
    ) -> DataVersion:
        """Let the server record a draft whose contents it has."""
        manifest = made.manifest.to_bytes()
        key = manifest_key(digest_of(manifest))
        if parts.objects.size(key) != len(manifest):
            parts.objects.put(key, manifest)
        version: DataVersion = self._link.call(
            "served",
            "commit",
            wish.name,
            made.manifest,
            profile=None if made.profile is None else made.profile.to_json(),
            new_bytes=made.new_bytes,
            message=wish.message,
            table=wish.table,
            tags=list(wish.tags),
            source=list(source),
            expected=wish.expected,
            after=wish.after,
        )
        recording.finished = True
        return self._versions.with_profile(version)
