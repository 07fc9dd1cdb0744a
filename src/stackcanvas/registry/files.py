"""The files of model versions, stored once under the digest of their bytes."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from blake3 import blake3

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import Conflict, Corrupt, NotFound
from stackcanvas.metadata import Ref
from stackcanvas.registry.signature import Signature
from stackcanvas.registry.versions import ModelVersion

FOLDER = "models"
_KEY = re.compile(rf"{FOLDER}/[0-9a-f]{{2}}/([0-9a-f]{{64}})")
_AT_ONCE = 16
_PART_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the stored files of a version are what was registered.

    Args:
        files: how many were read.
        problems: a sentence for each that is missing or altered.
    """

    ref: Ref
    files: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    def to_dict(self) -> dict[str, object]:
        """The finding as programs read it."""
        return {"ref": str(self.ref), "ok": self.ok, "files": self.files, "problems": list(self.problems)}


class Following:
    """Follows a stored file while it is handed over in parts, to tell at the end whether it is what was registered.

    Args:
        key: where it lies; a place that is not of a registered file is not looked at.
    """

    def __init__(self, key: str) -> None:
        self._wanted = digest_of(key)
        self._seen = blake3()

    def add(self, part: bytes) -> None:
        """Take the next part."""
        if self._wanted is not None:
            self._seen.update(part)

    @property
    def is_whole(self) -> bool:
        """Whether the parts up to now are the file that was registered."""
        return self._wanted is None or self._seen.hexdigest() == self._wanted


class ModelFiles:
    """Puts, reads and checks files.

    Args:
        objects: where their bytes lie.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def put(self, content: bytes) -> str:
        """Store bytes, and give their digest."""
        digest = blake3(content).hexdigest()
        try:
            self._objects.put(_key(digest), content, if_absent=True)
        except Conflict:
            if not self._holds(digest):  # altered behind our back: what was registered heals
                self._objects.put(_key(digest), content)
        return digest

    def put_parts(self, parts: Iterator[bytes]) -> tuple[str, int]:
        """Store bytes that come in parts, in constant memory; gives digest and size."""
        first = next(parts, b"")
        second = next(parts, None)
        if second is None:
            return self.put(first), len(first)
        with tempfile.TemporaryDirectory(prefix="stackcanvas-") as folder:
            path = Path(folder) / "file"
            hashed, size = blake3(), 0
            with path.open("wb") as file:
                for part in chain((first, second), parts):
                    hashed.update(part)
                    size += file.write(part)
            digest = hashed.hexdigest()
            try:
                self._objects.put_file(_key(digest), path, if_absent=True)
            except Conflict:
                if not self._holds(digest):
                    self._objects.put_file(_key(digest), path)
        return digest, size

    def read(self, version: ModelVersion, file: str) -> bytes:
        """The bytes of a file as they were registered.

        Raises:
            Corrupt: it is missing or altered.
        """
        digest = version.files[file]
        try:
            content = self._objects.get(_key(digest))
        except NotFound:
            raise Corrupt(f"the file {file} of {version.ref} is missing", where=_key(digest)) from None
        if blake3(content).hexdigest() != digest:
            raise Corrupt(f"the file {file} of {version.ref} is not what was registered", where=_key(digest))
        return content

    def _holds(self, digest: str) -> bool:
        """Whether the bytes that lie under a digest have it."""
        found = Following(_key(digest))
        for start in range(0, self.size(digest), _PART_BYTES):
            found.add(self._objects.get(_key(digest), start=start, length=_PART_BYTES))
        return found.is_whole

    @staticmethod
    def key(digest: str) -> str:
        """Where a file lies in the object store."""
        return _key(digest)

    def size(self, digest: str) -> int:
        """How large a stored file is; 0 when it is missing."""
        return self._objects.size(_key(digest)) or 0

    def require(self, version: ModelVersion) -> None:
        """Refuse a version of which files are missing; inside the transaction that records it, so that none goes after.

        Raises:
            Conflict: one is: an earlier version with the same bytes was deleted, and cleared up, at this very moment.
        """
        digests = sorted(set(version.files.values()))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            sizes = list(pool.map(self._objects.size, map(_key, digests)))
        if None in sizes:
            raise Conflict(f"files of the new version of {version.name} were cleared up meanwhile", fix="Do it again")

    def verify(self, version: ModelVersion) -> Verification:
        """Read every file of a version."""
        problems = []
        for file in version.files:
            try:
                self.read(version, file)
            except Corrupt as error:
                problems.append(error.sentence())
        return Verification(version.ref, len(version.files), tuple(problems))


def digest_of(key: str) -> str | None:
    """The digest of the file at a key; None where no file of a model lies."""
    found = _KEY.fullmatch(key)
    return found[1] if found else None


def _key(digest: str) -> str:
    return f"{FOLDER}/{digest[:2]}/{digest}"


def version_digest(
    format: str,  # noqa: A002 - the word of the canvas
    signature: Signature,
    files: Mapping[str, str],
    runtime: Mapping[str, object],
) -> str:
    """The digest of all that makes a version behave as it does."""
    whole = {"format": format, "signature": signature.to_json(), "files": dict(files), "runtime": dict(runtime)}
    return blake3(json.dumps(whole, sort_keys=True).encode()).hexdigest()
