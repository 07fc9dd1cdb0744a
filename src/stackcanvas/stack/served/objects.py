"""The objects of a served stack: bytes go through the server, which checks those that are kept under their digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlencode

from stackcanvas.backends.files import unavailable
from stackcanvas.backends.objects import ObjectInfo, check_key
from stackcanvas.backends.objects.base import check_range
from stackcanvas.errors import NotFound, Refused
from stackcanvas.stack.served.link import Link
from stackcanvas.stack.served.wire import unpack

_PART_BYTES = 16 << 20
_PIECE_BYTES = 1 << 20


class ServedObjects:
    """An object store behind a server; nothing is deleted from afar.

    Args:
        link: to the server.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.url = str(link.address)

    def put(self, key: str, data: bytes | bytearray | memoryview, *, if_absent: bool = False) -> None:
        """Store bytes."""
        self._link.ask("PUT", _place(key, absent=if_absent), body=memoryview(data), headers=_BYTES)

    def put_file(self, key: str, path: Path, *, if_absent: bool = False) -> None:
        """Store a file's bytes."""
        place = _place(key, absent=if_absent)
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                headers = {**_BYTES, "content-length": str(size)}
                self._link.ask("PUT", place, body=lambda: _pieces(file, size), headers=headers)
        except FileNotFoundError:
            raise NotFound("file", str(path)) from None
        except OSError as error:
            raise unavailable(error, path) from error

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """The bytes, or a range of them; large ones are asked for in parts."""
        check_range(start, length)
        parts: list[bytes] = []
        left = length
        while True:
            size = _PART_BYTES if left is None else min(left, _PART_BYTES)
            part = self._link.ask("GET", _place(key, start=start, length=size)).body
            parts.append(part)
            start += len(part)
            left = None if left is None else left - len(part)
            if len(part) < size or left == 0:
                return b"".join(parts) if len(parts) > 1 else part

    def size(self, key: str) -> int | None:
        """The size in bytes; None when missing."""
        check_key(key)
        found: int | None = unpack(self._link.ask("GET", f"/size/{quote(key)}").body, trusted=True)
        return found

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects whose key begins with `prefix`, sorted by key."""
        after = ""
        while True:
            reply = self._link.ask("GET", f"/objects?{urlencode({'prefix': prefix, 'after': after})}")
            page = unpack(reply.body, trusted=True)
            for key, size_bytes, modified in page:
                yield ObjectInfo(key, size_bytes, modified)
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    def delete(self, key: str) -> None:
        """Nothing: what others may need is not removed from afar."""
        raise Refused(
            f"{check_key(key)} is not removed from another machine",
            where=self.url,
            fix="Run `stackcanvas data gc` on the server's own",
        )


_PAGE = 1000
_BYTES = {"content-type": "application/octet-stream"}


def _place(key: str, **asked: object) -> str:
    check_key(key)
    words = {name: str(value).lower() for name, value in asked.items()}
    return f"/objects/{quote(key)}?{urlencode(words)}"


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The file from its beginning, as long as it was when it was opened."""
    file.seek(0)
    left = size
    while left and (piece := file.read(min(left, _PIECE_BYTES))):
        left -= len(piece)
        yield piece
