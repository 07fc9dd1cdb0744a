"""Folders that other tools name: on this disk only below where the user pointed, or in an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.errors import BadInput, NotFound, Unavailable
from stackcanvas.registry import Folder

_PART_BYTES = 8 << 20
_LEVELS = 3  # experiment, run, artifacts
_REMOTE = ("s3", "gs", "az")


@dataclass(frozen=True, slots=True)
class DiskFolder:
    """A folder on this disk; links that lead out of it are not followed."""

    root: Path

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of each file, sorted."""
        real = self.root.resolve()
        for folder, folders, names in os.walk(real):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_file() and path.resolve().is_relative_to(real):
                    yield path.relative_to(real).as_posix(), path.stat().st_size

    def parts(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, in parts."""
        found = (self.root / path).resolve()
        if not found.is_relative_to(self.root.resolve()):
            raise BadInput(f"the path {path!r} leads out of the folder", where=str(self.root))
        try:
            with found.open("rb") as file:
                while part := file.read(_PART_BYTES):
                    yield part
        except OSError as error:
            raise Unavailable(f"the file cannot be read ({error.strerror})", where=str(found)) from None


@dataclass(frozen=True, slots=True)
class StoredFolder:
    """A folder in an object store."""

    objects: Objects
    place: str

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of each file."""
        prefix = f"{self.place}/" if self.place else ""
        return ((found.key.removeprefix(prefix), found.size_bytes) for found in self.objects.list(prefix))

    def parts(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, in parts."""
        key = f"{self.place}/{path}" if self.place else path
        at = 0
        while True:
            part = self.objects.get(key, start=at, length=_PART_BYTES)
            yield part
            at += len(part)
            if len(part) < _PART_BYTES:
                return


class Reach:
    """Which of the addresses in a store can be read from here.

    A store tells where files lie, and it may tell anything: of this disk only what lies below the folder of the store
    itself, or below one that the user named, is read.

    Args:
        home: the folder of the store.
        artifacts: where files lie, as the user says: a folder, or a URL; also stands for `mlflow-artifacts:`.
    """

    def __init__(self, home: Path, artifacts: str | None) -> None:
        self._home = home.resolve()
        self._named = artifacts
        named = None if artifacts is None or _is_remote(artifacts) else _path_of(artifacts)
        self._roots = [root.resolve() for root in (named, self._home) if root is not None]

    def folder(self, place: str) -> Folder:
        """The folder at an address.

        Raises:
            BadInput: it cannot be read from here; the sentence says what would help.
            NotFound: it was never made.
        """
        scheme = urlsplit(place).scheme
        if scheme in _REMOTE:
            return _stored(place)
        if scheme == "mlflow-artifacts":
            return self._served(unquote(urlsplit(place).path).strip("/"))
        if scheme not in {"", "file"} or "\0" in place:
            raise BadInput(f"files at {scheme}: cannot be read from here", where=place[:200])
        return self._local(_path_of(place))

    def _served(self, path: str) -> Folder:
        if self._named is None:
            raise BadInput(
                "the files lay behind the tracking server",
                where=f"mlflow-artifacts:/{path}"[:200],
                fix="Say with --artifacts where the server keeps them, or import from its address",
            )
        if any(part == ".." for part in path.split("/")):
            raise BadInput("the address leads out of where it begins", where=path[:200])
        if _is_remote(self._named):
            base, question, options = self._named.partition("?")
            return _stored(f"{base.rstrip('/')}/{path}{question}{options}")
        return self._local(_path_of(self._named) / path)

    def _local(self, path: Path) -> Folder:
        real = path.resolve()
        if any(real.is_relative_to(root) for root in self._roots):
            return DiskFolder(real)
        if not real.exists():
            found = self._moved(path)
            if found is not None:
                return DiskFolder(found)
            if any(self._moved(above, parts=1) for above in list(path.parents)[:_LEVELS]):
                raise NotFound("folder", str(path))  # what is above it is here: nothing was ever logged there
            raise BadInput("there is no such folder", where=str(path)[:200], fix="Say with --artifacts where it is now")
        raise BadInput(
            "the folder lies outside of the store, and is not read unasked",
            where=str(path)[:200],
            fix="Name it, or a folder above it, with --artifacts",
        )

    def _moved(self, path: Path, *, parts: int = 2) -> Path | None:
        """The same folder below one of ours, when the whole store was moved: the longest end of the path counts."""
        names = path.parts[1:] if path.is_absolute() else path.parts
        if ".." in names:
            return None
        for root in self._roots:
            # So many names at least must be the same, that no folder is taken for another.
            for start in range(max(len(names) - parts + 1, 0)):
                found = root.joinpath(*names[start:])
                if found.is_dir() and found.resolve().is_relative_to(root):
                    return found.resolve()
        return None


def _stored(address: str) -> StoredFolder:
    # The bucket is the store, what follows is the prefix: a listing of a whole bucket is not asked for.
    base, question, options = address.partition("?")
    scheme, _, rest = base.partition("://")
    bucket, _, place = rest.partition("/")
    return StoredFolder(open_objects(f"{scheme}://{bucket}{question}{options}"), place.strip("/"))


def _is_remote(address: str) -> bool:
    return urlsplit(address).scheme in _REMOTE


def _path_of(address: str) -> Path:
    return Path(unquote(urlsplit(address).path)) if address.startswith("file:") else Path(address)
