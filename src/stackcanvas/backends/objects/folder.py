"""Objects as files in a folder.

A file is written under `.writing/`, synced, and then renamed to its key, so that no reader and no crash ever sees half
of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from stackcanvas.backends.files import Scratch, make_folder, sync_folder, unavailable
from stackcanvas.backends.objects.base import ObjectInfo, check_key, check_range
from stackcanvas.errors import Conflict, NotFound

_WRITING = ".writing"
_COPY_BYTES = 1 << 20


class FolderObjects:
    """An object store in a folder, for one machine or a shared file system.

    Args:
        root: the folder; made when something is first written.

    Example:
        >>> import tempfile
        >>> objects = FolderObjects(Path(tempfile.mkdtemp()))
        >>> objects.put("data/note", b"hello")
        >>> objects.get("data/note", start=1, length=3)
        b'ell'
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = self.root.as_uri()
        self._scratch = Scratch(self.root / _WRITING)

    def put(self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False) -> None:
        """Store bytes."""
        self._write(key, lambda file: file.write(data), if_absent=if_absent)

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        """Store a file's bytes."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            raise NotFound("file", str(path)) from None
        except OSError as error:
            raise unavailable(error, path) from error
        with source:
            self._write(key, lambda file: shutil.copyfileobj(source, file, _COPY_BYTES), if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The bytes, or a range of them."""
        check_range(start, length)
        try:
            with self._path(key).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound("object", key, where=self.url) from None
        except OSError as error:
            raise unavailable(error, self._path(key)) from error

    def size(self, key: str) -> int | None:
        """The size in bytes; None when missing."""
        path = self._path(key)
        try:
            return path.stat().st_size if path.is_file() else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(error, path) from error

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key begins with `prefix`, sorted by key."""
        folder, _, _ = prefix.rpartition("/")
        if folder:
            check_key(folder)
        yield from self._walk(f"{folder}/" if folder else "", prefix)

    def delete(self, key: str) -> None:
        """Remove an object."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except (NotADirectoryError, IsADirectoryError):
            return
        except OSError as error:
            if path.is_dir():  # unlinking a folder is EPERM on some systems; it is no object
                return
            raise unavailable(error, path) from error

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _write(self, key: str, fill: Callable[[BinaryIO], object], *, if_absent: bool) -> None:
        target = self._path(key)
        if if_absent and target.exists():
            raise _taken(key, self.url)
        try:
            with self._scratch.file() as (file, written):
                fill(file)
                file.flush()
                os.fsync(file.fileno())
                self._publish(key, written, target, if_absent=if_absent)
        except OSError as error:
            raise unavailable(error, target) from error

    def _publish(self, key: str, written: Path, target: Path, *, if_absent: bool) -> None:
        try:
            make_folder(target.parent)
            if if_absent:
                os.link(written, target)
            else:
                written.replace(target)
        except FileExistsError:
            raise _taken(key, self.url) from None
        except (IsADirectoryError, NotADirectoryError):
            raise Conflict(
                f"the object {key!r} would be the folder of another, or lie in one", where=self.url
            ) from None
        sync_folder(target.parent)

    def _walk(self, folder: str, prefix: str) -> Iterator[ObjectInfo]:
        try:
            with os.scandir(self.root / folder) as found:
                # A folder sorts as its name and a slash, which is how the keys in it sort.
                entries = sorted((entry.name + "/" * entry.is_dir(), entry) for entry in found)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise unavailable(error, self.root / folder) from error
        for name, entry in entries:
            key = folder + name
            if key == f"{_WRITING}/" or not (key.startswith(prefix) or prefix.startswith(key)):
                continue
            if name.endswith("/"):
                yield from self._walk(key, prefix)
            elif key.startswith(prefix):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    facts = entry.stat()
                    yield ObjectInfo(key, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


def _taken(key: str, url: str) -> Conflict:
    return Conflict(f"the object {key!r} is there already", where=url)
