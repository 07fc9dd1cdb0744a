"""The manifest of a version: canonical bytes, whose digest is the version's identity.

It names the listing of files (path, size and digest of each) and what the files mean as a table. Nothing in it depends
on time, place, or how contents are cut and packed: equal content and schema give the equal digest anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from blake3 import blake3

from stackcanvas.errors import Corrupt

PREFIX = "data/manifests/"
FILES, TABLE, DELTA = "files", "table", "delta"
TABLE_PATH = "table.parquet"

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a version.

    Args:
        path: relative, with slashes.
        digest: BLAKE3 of its bytes, in hexadecimal.
    """

    path: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version consists of.

    Args:
        kind: `files` when the bytes were given, `table` when rows were given and the file was written from them,
            `delta` when the one file refers to a version of a Delta Lake table.
        listing: digest of the listing.
        columns: name and type of each column, in order; empty when the files are no table.
        rows: None when the files are no table.
        key: the columns that identify a row.
    """

    kind: str
    listing: str
    files: int
    size_bytes: int
    columns: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    key: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The canonical bytes."""
        record = {"format": _FORMAT, **asdict(self)}
        return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> Manifest:
        """The manifest that `to_bytes` wrote.

        Raises:
            Corrupt: the bytes are no manifest, or one of a newer format.
        """
        try:
            record = json.loads(data)
            if record.pop("format") != _FORMAT:
                raise Corrupt("the manifest has a format that this version does not know", where=where)
            columns = tuple((str(name), str(kind)) for name, kind in record.pop("columns"))
            return cls(**record | {"columns": columns, "key": tuple(record["key"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Corrupt(f"the manifest is damaged ({error})", where=where) from error


def digest_of(data: bytes) -> str:
    """BLAKE3 of the bytes, in hexadecimal."""
    return blake3(data).hexdigest()


def manifest_key(digest: str) -> str:
    """Where the manifest of a version lies in the object store."""
    return f"{PREFIX}{digest}"


def encode_listing(files: Iterable[DataFile]) -> bytes:
    """The canonical bytes of a listing: sorted by path, each entry ended by a zero byte."""
    entries = sorted((file.path.encode(), file) for file in files)
    return b"".join(b"%s %d %s\0" % (file.digest.encode(), file.size_bytes, path) for path, file in entries)


def decode_listing(data: bytes, *, where: str) -> list[DataFile]:
    """The files of a listing.

    Raises:
        Corrupt: the bytes are no listing, or a path leads out of it.
    """
    files = []
    try:
        for entry in data.split(b"\0")[:-1]:
            digest, size, path = entry.split(b" ", 2)
            files.append(DataFile(_inside(path.decode()), int(size), digest.decode()))
    except ValueError as error:
        raise Corrupt(f"the listing of files is damaged ({error})", where=where) from error
    return files


def _inside(path: str) -> str:
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"the path {path!r} leads out")
    return path
