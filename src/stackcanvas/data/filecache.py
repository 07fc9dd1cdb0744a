"""Whole files out of the store, kept read-only on this disk: for reading tables, and for links at checkout.

A cache: it may be deleted at any time. A file that somebody has changed in place is noticed by its size and time, which
are fixed here, and is taken from the store again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from blake3 import blake3

from stackcanvas.backends.files import Scratch, unavailable
from stackcanvas.data.manifest import DataFile
from stackcanvas.data.store import Reader
from stackcanvas.data.store.cutting import WHOLE_BYTES
from stackcanvas.errors import Corrupt

_MODIFIED_NS = 1_000_000_000_000_000_000
_READ_ONLY = 0o444


class FileCache:
    """Files by their digest.

    Args:
        folder: belongs to this cache alone.
        reader: gives the contents.
    """

    def __init__(self, folder: Path, reader: Reader) -> None:
        self._folder = folder
        self._reader = reader
        self._scratch = Scratch(folder / "writing")

    def paths(self, files: Sequence[DataFile]) -> list[Path]:
        """Where each file lies, after what is missing was taken from the store.

        Raises:
            Corrupt: a content is damaged.
            Unavailable: the cache cannot be written.
        """
        return [Path(place) for place in self.places(files)]

    def places(self, files: Sequence[DataFile]) -> list[str]:
        """The same as text, because there may be a million of them."""
        places = {file.digest: f"{self._folder}/{file.digest[:2]}/{file.digest}" for file in files}
        missing = {file.digest: file for file in files if not _intact(places[file.digest], file.size_bytes)}
        if missing:
            self._fill(list(missing.values()), places)
        return [places[file.digest] for file in files]

    def keep(self, wanted: Collection[str]) -> tuple[int, int]:
        """Remove all files but those of these digests; returns how many and their bytes."""
        files = size_bytes = 0
        for path in self._folder.glob("??/*"):
            if path.name not in wanted and path.parent != self._scratch.folder:
                size_bytes += path.stat().st_size
                path.unlink(missing_ok=True)
                files += 1
        return files, size_bytes

    def _fill(self, files: list[DataFile], places: dict[str, str]) -> None:
        try:
            for shard in {file.digest[:2] for file in files}:
                (self._folder / shard).mkdir(parents=True, exist_ok=True)
            with self._scratch.room() as room:
                names = [f"{room}/{number}" for number in range(len(files))]
                for file, written in write_all(self._reader, files, names):
                    os.chmod(written, _READ_ONLY)  # noqa: PTH101 - as text
                    os.utime(written, ns=(_MODIFIED_NS, _MODIFIED_NS))
                    os.replace(written, places[file.digest])  # noqa: PTH105 - as text
        except OSError as error:
            raise unavailable(error, self._folder) from error


def write_all(reader: Reader, files: Sequence[DataFile], names: Sequence[str]) -> Iterator[tuple[DataFile, str]]:
    """Write each file to the path that is named for it, where nothing lies, checked against its digest.

    Raises:
        Corrupt: a content is damaged.
    """
    wanted = [(bytes.fromhex(file.digest), file.size_bytes) for file in files]
    for file, written, pieces in zip(files, names, reader.contents(wanted), strict=True):
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            if file.size_bytes <= WHOLE_BYTES:
                for piece in pieces:  # one chunk, which the reader has checked
                    _write(handle, piece)
            elif _write_checked(handle, pieces) != file.digest:
                raise Corrupt("the content is not what was committed", where=file.path)
        finally:
            os.close(handle)
        yield file, written


def _write_checked(handle: int, pieces: Iterable[bytes]) -> str:
    whole = blake3()
    for piece in pieces:
        whole.update(piece)
        _write(handle, piece)
    return whole.hexdigest()


def _write(handle: int, piece: bytes) -> None:
    written = os.write(handle, piece)
    while written < len(piece):
        written += os.write(handle, memoryview(piece)[written:])


def _intact(path: str, size_bytes: int) -> bool:
    try:
        facts = os.stat(path)  # noqa: PTH116 - as text
    except FileNotFoundError:
        return False
    return facts.st_size == size_bytes and facts.st_mtime_ns == _MODIFIED_NS
