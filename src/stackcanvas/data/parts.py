"""What the verbs of this block work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcanvas.backends.files import Scratch
from stackcanvas.backends.objects import Objects
from stackcanvas.data.filecache import FileCache
from stackcanvas.data.ignored import Ignored
from stackcanvas.data.manifest import DataFile, decode_listing, digest_of
from stackcanvas.data.places import Places
from stackcanvas.data.seen import Seen
from stackcanvas.data.sources import Gathered, gather
from stackcanvas.data.store import ChunkIndex, Reader
from stackcanvas.data.versions import DataVersion, Versions
from stackcanvas.errors import Corrupt, NotFound
from stackcanvas.metadata import Spine
from stackcanvas.statistics import Profile

if TYPE_CHECKING:
    import polars as pl

PROFILES = "data/profiles/"


@dataclass(frozen=True, slots=True)
class Parts:
    """The state of the block, shared by its verbs.

    Args:
        root: the project's folder.
        index: which chunk is in which pack.
        seen: what files on this disk held.
        places: which version lies where in the project.
        whole: read-only whole files.
        converted: the folder of CSV files in a form that reads fast.
        scratch: for files that are being written, beside the cache.
        readers: first part of a name to what reads such names, such as `predictions/delay`.
        record: writes a finished draft down where the records lie elsewhere; None for the spine itself.
    """

    spine: Spine
    objects: Objects
    root: Path
    versions: Versions
    index: ChunkIndex
    reader: Reader
    seen: Seen
    places: Places
    whole: FileCache
    converted: Path
    scratch: Scratch
    readers: Mapping[str, Callable[[str], pl.LazyFrame]]
    record: Callable[..., DataVersion] | None = None

    def listing(self, version: DataVersion) -> list[DataFile]:
        """The files of a version, sorted by path.

        Raises:
            NotFound: its content was given up.
        """
        if version.forgotten is not None:
            raise NotFound(
                "content of",
                str(version.ref),
                fix=f"It was given up on {version.forgotten:%Y-%m-%d}; a remote may have it still",
            )
        return decode_listing(self.reader.whole(bytes.fromhex(version.listing)), where=str(version.ref))

    def gather(self, paths: Iterable[Path], *, folder: Path | None = None) -> Gathered:
        """List the files of paths, without what the project leaves out; see `sources.gather`."""
        return gather(paths, ignored=Ignored.of(self.root), folder=folder)


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """The profile of a version's digest, read when it is asked for."""

    objects: Objects
    digest: str

    def __call__(self) -> Profile | None:
        """The profile; None when it was not kept."""
        key = profile_key(self.digest)
        try:
            told, _, seal = self.objects.get(key).partition(b"\n")
        except NotFound:
            return None
        if seal and seal != digest_of(told).encode():  # those of before had none
            raise Corrupt("the profile is not what was written", where=key)
        return Profile.from_json(told)


def sealed(profile: Profile) -> bytes:
    """A profile as it is kept: its JSON in one line, then the digest of that."""
    told = profile.to_json().encode()
    return told + b"\n" + digest_of(told).encode()


def profile_key(digest: str) -> str:
    """Where the profile of a version lies in the object store."""
    return f"{PROFILES}{digest}"
