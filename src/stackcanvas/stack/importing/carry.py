"""Files on their way into the object store: each whole and of the size that was told of, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from stackcanvas.backends.files import unavailable
from stackcanvas.backends.objects import Objects
from stackcanvas.backends.objects.base import check_key
from stackcanvas.errors import BadInput, NotFound, Unavailable
from stackcanvas.registry import Folder
from stackcanvas.stack.importing.report import Tally

_IN_MEMORY = 8 << 20
_TRIES = 3


class Carrier:
    """Copies folders into the object store.

    Args:
        objects: where they go.
        tally: told of bytes, and of files that cannot come.
        check: raises `Unavailable` when the source as a whole does not answer any more: for one file that is lost the
            rest is not given up.
    """

    def __init__(self, objects: Objects, tally: Tally, check: Callable[[], None]) -> None:
        self._objects = objects
        self._tally = tally
        self._check = check

    def carry(self, find: Callable[[], Folder], place: str, *, name: str, anew: bool) -> bool:
        """Bring every file of a folder below a place; whether all came.

        Args:
            find: gives the folder.
            name: what the folder belongs to, for the report.
            anew: bring also what is there already in that size.
        """
        try:
            listed = list((folder := find()).walk())
        except NotFound:
            return True  # nothing was ever logged there
        except (BadInput, Unavailable) as error:
            self._check()
            self._tally.leave("files", name, error.sentence())
            return False
        complete = True
        for path, size_bytes in listed:
            try:
                key = check_key(f"{place}/{path}")
                if not anew and self._objects.size(key) == size_bytes:
                    continue
                if not self._tally.plan:
                    size_bytes = self._put(folder, path, key, size_bytes)  # noqa: PLW2901 - what came is what counts
                self._tally.carried(size_bytes)
            except (BadInput, NotFound, Unavailable) as error:
                self._check()
                self._tally.leave("file", f"{name}/{path}"[:300], error.sentence())
                complete = False
        return complete

    def _put(self, folder: Folder, path: str, key: str, size_bytes: int) -> int:
        for tried in range(1, _TRIES + 1):
            try:
                return self._once(folder, path, key, size_bytes)
            except Unavailable:
                self._check()
                if tried == _TRIES:
                    raise
        raise AssertionError("the last try gives or raises")

    def _once(self, folder: Folder, path: str, key: str, size_bytes: int) -> int:
        if size_bytes <= _IN_MEMORY:
            data = bytearray()
            for part in folder.parts(path):
                data += part
                if len(data) > _IN_MEMORY + size_bytes:
                    break
            _same_size(len(data), size_bytes)
            self._objects.put(key, data)
            return len(data)
        with tempfile.TemporaryDirectory(prefix="stackcanvas-") as room:
            whole, read = Path(room) / "file", 0
            try:
                with whole.open("wb") as file:
                    for part in folder.parts(path):
                        read += file.write(part)
                        if read > size_bytes:
                            break
            except OSError as error:
                raise unavailable(error, whole) from error
            _same_size(read, size_bytes)
            self._objects.put_file(key, whole)
        return read


def _same_size(read: int, told: int) -> None:
    if read != told:
        raise BadInput(f"{read} bytes came and {told} were told of")
