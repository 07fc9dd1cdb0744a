"""What every adapter that writes files needs: names on disk that survive a power cut, and errors said plainly."""

from __future__ import annotations

import errno
import os
from pathlib import Path

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
