"""What files on this disk held when they were last read, so that an unchanged file is not read again."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import FileIO

from blake3 import blake3

from stackcanvas.backends.files import unavailable
from stackcanvas.backends.keyvalue import KeyValue
from stackcanvas.data.store import SourceFile
from stackcanvas.errors import NotFound

_FILE = b"f"
_FACTS = struct.Struct("<QqQ32s")
_RACE_NS = 2_000_000_000
_PIECE_BYTES = 1 << 20


class Seen:
    """Digests of files by path, size, time of change and inode. A cache: losing it costs time only.

    Args:
        cache: a key-value store; keys begin with `f`.
    """

    def __init__(self, cache: KeyValue) -> None:
        self._cache = cache

    def digests(self, files: Sequence[SourceFile]) -> list[bytes | None]:
        """The digest of each file, None where it is not known or the file was changed."""
        found = self._cache.get_many([_key(file) for file in files])
        return [None if value is None else _checked(file, value) for file, value in zip(files, found, strict=True)]

    def read(self, files: Sequence[SourceFile]) -> list[bytes]:
        """The digest of each file, read where it is not known.

        Raises:
            NotFound: a file is gone.
            Unavailable: a file cannot be read.
        """
        digests = self.digests(files)
        unread = [number for number, digest in enumerate(digests) if digest is None]
        with ThreadPoolExecutor(min(8, os.cpu_count() or 2)) as threads:
            found = list(threads.map(_hashed, [files[number].path for number in unread], chunksize=1))
        self.remember((files[number], digest) for number, digest in zip(unread, found, strict=True))
        for number, digest in zip(unread, found, strict=True):
            digests[number] = digest
        return [digest for digest in digests if digest is not None]

    def remember(self, read: Iterable[tuple[SourceFile, bytes]]) -> None:
        """Take note of files that were read."""
        # A file changed within the last moments may change once more without its time showing it.
        settled_ns = time.time_ns() - _RACE_NS
        self._cache.put_many(
            [
                (_key(file), 0, _FACTS.pack(file.size_bytes, file.modified_ns, file.inode, digest))
                for file, digest in read
                if file.modified_ns < settled_ns
            ]
        )


def _hashed(path: str) -> bytes:
    whole = blake3()
    try:
        with FileIO(path) as file:
            while piece := file.read(_PIECE_BYTES):
                whole.update(piece)
    except FileNotFoundError:
        raise NotFound("file", path) from None
    except OSError as error:
        raise unavailable(error, path) from error
    digest: bytes = whole.digest()
    return digest


def _key(file: SourceFile) -> bytes:
    return _FILE + os.fsencode(file.path)


def _checked(file: SourceFile, value: bytes) -> bytes | None:
    size_bytes, modified_ns, inode, digest = _FACTS.unpack(value)
    same = (size_bytes, modified_ns, inode) == (file.size_bytes, file.modified_ns, file.inode)
    return digest if same else None
