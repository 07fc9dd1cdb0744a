"""A folder in which a client logged a model: copied file by file, and read for what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stackcanvas.metadata import Ref
from stackcanvas.registry.files import ModelFiles
from stackcanvas.registry.formats.mlmodel import MLMODEL, read_mlmodel
from stackcanvas.registry.signature import Signature
from stackcanvas.registry.versions import ModelVersion

POINTER, FILES = "pointer", "files"
"""The formats of what cannot be loaded: nothing is held, or files that do not say what they are."""

_LONGEST_DESCRIPTION = 10 * 1024 * 1024


class Folder(Protocol):
    """Files below a place."""

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of each, sorted."""
        ...

    def parts(self, path: str) -> Iterator[bytes]:
        """The bytes of one, in parts that fit into memory."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What lay in a folder, stored.

    Args:
        files: path -> digest.
        runtime: what the runtime of the format must know.
    """

    format: str
    signature: Signature = field(default_factory=lambda: Signature((), ()))
    files: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int = 0
    environment: Mapping[str, Any] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionFolder:
    """The files of a version that is registered already, which says itself what they are.

    Args:
        read: the bytes of a file of a version, checked against its digest.
    """

    version: ModelVersion
    read: Callable[[Ref, str], bytes]

    def walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of each file; the sizes are asked for one by one, and nobody needs them."""
        return ((path, 0) for path in self.version.files)

    def parts(self, path: str) -> Iterator[bytes]:
        """The bytes of a file."""
        yield self.read(self.version.ref, path)

    def found(self) -> Found:
        """What a copy of the version consists of: the same bytes, which are stored once."""
        one = self.version
        return Found(one.format, one.signature, one.files, one.size_bytes, one.environment, one.runtime)


def read_folder(folder: Folder | None, files: ModelFiles) -> Found:
    """Copy the files of a folder, and read its description.

    Raises:
        BadInput: the description cannot be read.
    """
    if folder is None:
        return Found(POINTER)
    if isinstance(folder, VersionFolder):
        return folder.found()
    kept: dict[str, str] = {}
    whole = 0
    for path, _ in folder.walk():
        digest, size = files.put_parts(folder.parts(path))
        kept[path] = digest
        whole += size
    if not kept:
        return Found(POINTER)
    if MLMODEL not in kept:
        return Found(FILES, files=kept, size_bytes=whole)
    said = read_mlmodel(b"".join(folder.parts(MLMODEL))[:_LONGEST_DESCRIPTION], kept)
    requirements = _requirements(folder) if "requirements.txt" in kept else []
    environment = {"python": said.python, "requirements": requirements}
    return Found(said.format, said.signature, kept, whole, environment, said.runtime)


def _requirements(folder: Folder) -> list[str]:
    text = b"".join(folder.parts("requirements.txt"))[:_LONGEST_DESCRIPTION].decode(errors="replace")
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
