"""What everything that writes files needs: whole files or none, names that survive a power cut, errors said plainly."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from stackcanvas.errors import Unavailable

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space and try again"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space and try again"),
    errno.EFBIG: ("the file is larger than this system allows", "Raise the limit on file sizes (ulimit -f)"),
    errno.EACCES: ("permission denied", "Give this user the right to it"),
    errno.EPERM: ("the operation is not permitted", "Give this user the right to it"),
    errno.EROFS: ("the file system is read-only", "Mount it for writing, or use another place"),
    errno.EMFILE: ("too many files are open", "Raise the limit on open files (ulimit -n)"),
}


def unavailable(error: OSError, where: str | Path) -> Unavailable:
    """The error of the operating system as ours, with what can be done about it.

    Example:
        >>> str(unavailable(OSError(errno.ENOSPC, "No space left on device"), "objects/packs/1"))
        'objects/packs/1: the disk is full. Free some space and try again.'
    """
    reason, fix = _REASONS.get(error.errno or 0, (error.strerror or str(error), None))
    return Unavailable(reason, where=str(where), fix=fix)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; one that is there is fine."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        try:
            one.mkdir(exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, "a file stands where a folder should be", str(one)) from None
        sync_folder(one.parent)


class Scratch:
    """A folder for files that are being written, to be renamed or linked to their place when they are whole.

    The writer holds a lock on its file. A file whose lock is free belongs to a process that was killed; it is removed
    when another process writes its first file here.

    Args:
        folder: on the file system of the places; made when it is first used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swept = False

    @contextmanager
    def file(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A new empty file; what is left of it at the end is removed."""
        make_folder(self.folder)
        if not self._swept:
            self._swept = True
            self._sweep()
        with self._locked() as file:
            path = Path(file.name)
            try:
                yield file, path
            finally:
                path.unlink(missing_ok=True)

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A new empty folder, for many files under one lock; what is left of it at the end is removed."""
        with self.file() as (_, path):
            room = _room(path)
            room.mkdir()
            try:
                yield room
            finally:
                shutil.rmtree(room)

    def _locked(self) -> BinaryIO:
        while True:
            file = (self.folder / secrets.token_hex(12)).open("xb")
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                return file
            file.close()  # a sweep took the lock in the moment between the two calls, and removed the file

    def _sweep(self) -> None:
        for path in self.folder.iterdir():
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(_room(path), ignore_errors=True)
                path.unlink(missing_ok=True)


def _room(lock: Path) -> Path:
    return lock.with_suffix(".files")
