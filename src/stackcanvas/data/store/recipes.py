"""Recipes: a content that is more than one chunk is kept as the list of its chunks.

The frame under the content's digest then holds a recipe. A recipe that has grown long is itself cut into chunks: level
1 lists the chunks of the content, level 2 the chunks of a level 1 recipe, and so on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from blake3 import blake3

from stackcanvas.errors import Corrupt

LONGEST_BYTES = 4 << 20

_STEP = struct.Struct("<32sI")
_DIGEST_BYTES = 32


class Steps:
    """The chunks of a content, gathered in 36 bytes each."""

    def __init__(self) -> None:
        self._body = bytearray()

    def add(self, digest: bytes, length_bytes: int) -> None:
        """The next chunk."""
        self._body += _STEP.pack(digest, length_bytes)

    def to_recipe(self) -> bytes:
        """The recipe. Its frame is found by the content's digest, so it carries a digest of its own bytes."""
        return blake3(self._body).digest() + self._body


def read_recipe(recipe: bytes) -> list[tuple[bytes, int]]:
    """Digest and length of each chunk.

    Raises:
        Corrupt: the bytes are not what was written.
    """
    digest, body = recipe[:_DIGEST_BYTES], recipe[_DIGEST_BYTES:]
    if len(body) % _STEP.size or blake3(body).digest() != digest:
        raise Corrupt("the list of chunks is damaged")
    return list(_STEP.iter_unpack(body))


def groups(steps: Iterable[tuple[bytes, int]], limit_bytes: int) -> Iterator[list[bytes]]:
    """The digests in groups of about so many bytes, each of at least one chunk."""
    group: list[bytes] = []
    size_bytes = 0
    for digest, length_bytes in steps:
        if group and size_bytes + length_bytes > limit_bytes:
            yield group
            group, size_bytes = [], 0
        group.append(digest)
        size_bytes += length_bytes
    if group:
        yield group
