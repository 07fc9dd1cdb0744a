"""The port of the object store, set so low that an adapter is a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from stackcanvas.errors import BadInput

_LONGEST_KEY_BYTES = 1024
_LONGEST_SEGMENT_BYTES = 255


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as a listing shows it."""

    key: str
    size_bytes: int
    modified: datetime


class Objects(Protocol):
    """Bytes under keys such as `data/packs/ab12`.

    What every adapter promises:

    - **Atomic.** A reader sees the whole old object or the whole new one. A writer that is killed, or that fails,
      leaves what was there before.
    - **Durable.** When `put` has returned, the object survives a killed process and a power cut.
    - **Read your writes**, from every process and thread. Nothing is ordered beyond that: of two writers of one key
      at the same time either may win, unless both say `if_absent`, where exactly one does.
    - **Thread safe**, and several processes may use one store at once.
    - Keys are checked by `check_key` and `BadInput` is raised for others. Of two keys of which one is the folder of the
      other (`a` and `a/b`) an adapter may refuse the second with `Conflict`.
    - What the store itself cannot do (full disk, no permission, no answer) raises `Unavailable`.
    """

    url: str

    def put(self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False) -> None:
        """Store bytes, in place of what was there; `Conflict` when `if_absent` and the key is taken."""
        ...

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        """Store a file's bytes, read in constant memory; otherwise as `put`."""
        ...

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The bytes, or `length` of them from `start` (fewer where the object ends); `NotFound` when missing."""
        ...

    def size(self, key: str) -> int | None:
        """The size in bytes; None when missing."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key begins with `prefix`, sorted by key; those written meanwhile may be missing."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is fine."""
        ...


def check_key(key: str) -> str:
    """The key itself, when every store can hold it.

    Raises:
        BadInput: it is empty or too long, has an empty, `.` or `..` segment, a control character or a backslash, or its
            first segment begins with a dot (those names belong to the adapters).

    Example:
        >>> check_key("data/packs/ab12")
        'data/packs/ab12'
    """
    problem = _problem(key)
    if problem:
        raise BadInput(f"the object key {key!r} {problem}", expected="segments joined by /, such as data/packs/ab12")
    return key


def check_range(start: int, length: int | None) -> None:
    """Refuse a range that no object can have."""
    if start < 0 or (length is not None and length < 0):
        raise BadInput(f"the range from {start} of length {length} is negative", expected="numbers from 0 upwards")


def _problem(key: str) -> str | None:
    if any(ord(letter) < 32 or letter in "\\\x7f" or "\ud800" <= letter <= "\udfff" for letter in key):
        return "has a control character, a backslash or half a letter"
    segments = key.split("/")
    if any(segment in {"", ".", ".."} for segment in segments):
        return "is empty or has an empty, . or .. segment"
    if segments[0].startswith("."):
        return "begins with a dot"
    if len(key.encode()) > _LONGEST_KEY_BYTES:
        return f"is longer than {_LONGEST_KEY_BYTES} bytes"
    if any(len(segment.encode()) > _LONGEST_SEGMENT_BYTES for segment in segments):
        return f"has a segment longer than {_LONGEST_SEGMENT_BYTES} bytes"
    return None
