"""Whole files out of the store, kept read-only on this disk: for reading tables, and for links at checkout.

A cache: it may be deleted at any time. A file that somebody has changed in place is noticed by its size and time, which
are fixed here, and is taken from the store again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from blake3 import blake3

from stackcanvas.backends.files import Scratch, unavailable
from stackcanvas.data.manifest import DataFile
from stackcanvas.data.store import Reader
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
        places = {file.digest: self._place(file.digest) for file in files}
        missing = {file.digest: file for file in files if not _intact(places[file.digest], file.size_bytes)}
        if missing:
            self._fill(list(missing.values()), places)
        return [places[file.digest] for file in files]

    def _place(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _fill(self, files: list[DataFile], places: dict[str, Path]) -> None:
        try:
            with self._scratch.room() as room:
                for file, written in write_all(self._reader, files, room):
                    written.chmod(_READ_ONLY)
                    os.utime(written, ns=(_MODIFIED_NS, _MODIFIED_NS))
                    place = places[file.digest]
                    place.parent.mkdir(exist_ok=True)
                    written.replace(place)
        except OSError as error:
            raise unavailable(error, self._folder) from error


def write_all(reader: Reader, files: Iterable[DataFile], room: Path) -> Iterator[tuple[DataFile, Path]]:
    """Write each file under a name of its own in a folder, checked against its digest.

    Raises:
        Corrupt: a content is damaged.
    """
    listed = list(files)
    wanted = [(bytes.fromhex(file.digest), file.size_bytes) for file in listed]
    for number, (file, pieces) in enumerate(zip(listed, reader.contents(wanted), strict=True)):
        written = room / str(number)
        whole = blake3()
        with written.open("xb", buffering=0) as out:
            for piece in pieces:
                whole.update(piece)
                _write(out.fileno(), piece)
        if whole.hexdigest() != file.digest:
            raise Corrupt("the content is not what was committed", where=file.path)
        yield file, written


def _write(handle: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(handle, view) :]


def _intact(path: Path, size_bytes: int) -> bool:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return False
    return facts.st_size == size_bytes and facts.st_mtime_ns == _MODIFIED_NS
