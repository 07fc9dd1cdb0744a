"""Packs: about 64 MB of frames one after the other, and beside each an index of what lies where.

A pack and its index are written once and never changed. A pack's key is the digest of its bytes. The index is written
after it: a pack without an index does not count, so a writer killed between the two leaves nothing that is believed.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from typing import NamedTuple

import zstandard
from blake3 import blake3

from stackcanvas.errors import Corrupt

PACK_BYTES = 64 << 20
PREFIX = "data/packs/"
PACK, INDEX = ".pack", ".index"

_MAGIC = b"stackcanvas index 1\n"
_COUNT = struct.Struct("<Q")
_ENTRY = struct.Struct("<32sQIIBB")
_DIGEST_BYTES = 32
_LEVEL = 1  # of zstd: what it saves beyond is not worth the time at commit
_TRY_BYTES, _SAMPLE_BYTES = 32 << 10, 4 << 10  # of longer chunks a sample tells whether compressing is worth a try
_own = threading.local()  # a compressor is made once for each thread


class Entry(NamedTuple):
    """One frame of a pack.

    Args:
        digest: of the content that it stands for.
        level: 0 when the frame holds the content itself; otherwise it holds a recipe (see `recipes.py`).
        packed: whether the frame is compressed.
    """

    digest: bytes
    offset: int
    stored_bytes: int
    length_bytes: int
    level: int
    packed: bool


class Frame(NamedTuple):
    """A payload, ready to be put into a pack.

    Args:
        data: a view of the payload itself where it is not compressed.
    """

    digest: bytes
    data: bytes | memoryview
    length_bytes: int
    level: int
    packed: bool


def to_frame(digest: bytes, payload: bytes | memoryview, *, level: int = 0) -> Frame:
    """The payload, compressed where that saves anything."""
    if len(payload) <= _TRY_BYTES or _saves(_compressed(payload[-_SAMPLE_BYTES:]), _SAMPLE_BYTES):
        small = _compressed(payload)
        if _saves(small, len(payload)):
            return Frame(digest, small, len(payload), level, packed=True)
    return Frame(digest, payload, len(payload), level, packed=False)


def _compressed(payload: bytes | memoryview) -> bytes:
    compressor = getattr(_own, "compressor", None)
    if compressor is None:
        compressor = _own.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return compressor.compress(payload)


def _saves(small: bytes, length_bytes: int) -> bool:
    return len(small) < length_bytes - length_bytes // 32


def from_frame(entry: Entry, data: bytes) -> bytes:
    """The payload of a frame.

    Raises:
        Corrupt: the bytes are not what was written.
    """
    if not entry.packed:
        return data
    try:
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=entry.length_bytes)
    except zstandard.ZstdError as error:
        raise Corrupt(f"the frame cannot be unpacked: {error}") from error


class PackBuilder:
    """Gathers frames in memory until they are a pack.

    Args:
        buffer: memory to use, longer than a pack by more than the longest frame. It is used again for other packs,
            because fresh memory costs more than what is done with it.
    """

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self.size_bytes = 0
        self.entries: list[Entry] = []

    @property
    def data(self) -> memoryview:
        """The bytes of the pack."""
        return memoryview(self.buffer)[: self.size_bytes]

    def add(self, frame: Frame) -> None:
        """Append a frame."""
        end = self.size_bytes + len(frame.data)
        self.buffer[self.size_bytes : end] = frame.data
        entry = Entry(frame.digest, self.size_bytes, len(frame.data), frame.length_bytes, frame.level, frame.packed)
        self.entries.append(entry)
        self.size_bytes = end


def encode_index(entries: Sequence[Entry]) -> bytes:
    """The entries as the bytes of an index object, sealed with their digest."""
    body = b"".join([_MAGIC, _COUNT.pack(len(entries)), *(_ENTRY.pack(*entry) for entry in entries)])
    return body + blake3(body).digest()


def decode_index(data: bytes, *, where: str) -> list[Entry]:
    """The entries of an index object.

    Raises:
        Corrupt: the bytes are not those of an index, or not what was written.
    """
    body = data[:-_DIGEST_BYTES]
    start = len(_MAGIC) + _COUNT.size
    if not body.startswith(_MAGIC) or blake3(body).digest() != data[-_DIGEST_BYTES:]:
        raise Corrupt("the index of a pack is damaged", where=where)
    entries = [
        Entry(digest, offset, stored, length, level, bool(packed))
        for digest, offset, stored, length, level, packed in _ENTRY.iter_unpack(body[start:])
    ]
    if len(entries) != _COUNT.unpack_from(body, len(_MAGIC))[0]:
        raise Corrupt("the index of a pack is damaged", where=where)
    return entries


def pack_key(pack: bytes) -> str:
    """Where the pack lies in the object store."""
    return f"{PREFIX}{pack.hex()}{PACK}"


def index_key(pack: bytes) -> str:
    """Where the pack's index lies in the object store."""
    return f"{PREFIX}{pack.hex()}{INDEX}"
