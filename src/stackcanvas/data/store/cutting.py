"""Where contents are cut into chunks.

The boundaries are a storage format: other sizes, or another algorithm, would store everything that is there once more.
They depend on the bytes since the last boundary only, so an edit moves the boundaries around it and no others.
"""

from __future__ import annotations

from pyfastcdc import FastCDC

MIN_BYTES = 16 << 10
AVERAGE_BYTES = 64 << 10
MAX_BYTES = 256 << 10

WHOLE_BYTES = MAX_BYTES
"""A content up to this size is one chunk, whatever is in it."""


class Cutter:
    """Cuts bytes into chunks; for one thread at a time.

    To cut a stream, cut a window of it that is longer than a chunk, keep all chunks but the last, and begin the next
    window with that one: the boundaries are those of the whole.

    Example:
        >>> [len(chunk) for chunk in Cutter().cut(bytes(600_000))]
        [262144, 262144, 75712]
    """

    def __init__(self) -> None:
        # As in the paper's second edition, normalised once, with the library's own table (seed 0).
        self._chunker = FastCDC(AVERAGE_BYTES, min_size=MIN_BYTES, max_size=MAX_BYTES, normalized_chunking=1, seed=0)

    def cut(self, window: bytes | memoryview) -> list[memoryview]:
        """The chunks, as views of the window."""
        return [chunk.data for chunk in self._chunker.cut_buf(window)] if window else []
