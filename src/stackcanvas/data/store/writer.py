"""Puts contents into the store: each chunk once, in packs, compressed and hashed on all cores.

Reading, cutting and the order of things stay in the caller's thread; hashing, looking up and compressing run in a few
threads (they leave the interpreter's lock), and finished packs are written while the next one fills. Memory is that of
a few windows and packs, however large the files.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import FileIO
from types import TracebackType
from typing import NamedTuple, Self

from blake3 import blake3

from stackcanvas.backends.files import unavailable
from stackcanvas.backends.objects import Objects
from stackcanvas.data.store.cutting import WHOLE_BYTES, Cutter
from stackcanvas.data.store.index import ChunkIndex
from stackcanvas.data.store.packs import (
    PACK_BYTES,
    Frame,
    PackBuilder,
    encode_index,
    index_key,
    pack_key,
    to_frame,
)
from stackcanvas.data.store.recipes import LONGEST_BYTES, Steps
from stackcanvas.errors import Conflict, NotFound

_WINDOW_BYTES = 4 << 20
_BATCH_FILES = 64
_BATCH_BYTES = 2 << 20
_AHEAD = 6
_PUTS_AHEAD = 2


class SourceFile(NamedTuple):
    """A file to be stored, with what the system said of it when it was listed.

    Args:
        path: absolute; as text, because there may be a million of them.
    """

    path: str
    size_bytes: int
    modified_ns: int
    inode: int


class _Piece(NamedTuple):
    """A chunk that a thread has looked at; without a frame when the store has it."""

    digest: bytes
    length_bytes: int
    frame: Frame | None


class Writer:
    """Stores contents; what it stored may be counted on after `flush`.

    Args:
        objects: where packs go.
        index: what is there already.
        advance: told of bytes as they are done, for a progress bar.
    """

    def __init__(self, objects: Objects, index: ChunkIndex, *, advance: Callable[[int], None] | None = None) -> None:
        self._objects = objects
        self._index = index
        self._advance = advance or (lambda _: None)
        self._threads = ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2)), thread_name_prefix="stackcanvas-data")
        self._putter = ThreadPoolExecutor(1, thread_name_prefix="stackcanvas-pack")
        self._waiting: deque[tuple[Future[list[_Piece]] | None, Callable[[list[_Piece]], None]]] = deque()
        self._spare: list[bytearray] = []
        self._puts: deque[tuple[PackBuilder, Future[int]]] = deque()
        self._buffers: list[bytearray] = []
        self._pack = PackBuilder(self._buffer())
        self._fresh: set[bytes] = set()
        self.new_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._putter.shutdown(cancel_futures=True)

    def files(self, sources: Sequence[SourceFile]) -> list[bytes]:
        """Store files; returns their digests in the same order.

        Raises:
            NotFound: a file is gone.
            Conflict: a file was changed since it was listed.
            Unavailable: a file cannot be read, or the store cannot be written.
        """
        digests = [b""] * len(sources)
        small: list[int] = []
        small_bytes = 0
        for number, source in enumerate(sources):
            if source.size_bytes > WHOLE_BYTES:
                digests[number] = self._large(source)
                continue
            small.append(number)
            small_bytes += source.size_bytes
            if len(small) == _BATCH_FILES or small_bytes > _BATCH_BYTES:
                self._small(sources, small, digests)
                small, small_bytes = [], 0
        self._small(sources, small, digests)
        self._drain(0)
        return digests

    def content(self, data: bytes) -> bytes:
        """Store bytes; returns their digest."""
        digest: bytes = blake3(data).digest()
        chunks: list[memoryview] = [memoryview(data)] if len(data) <= WHOLE_BYTES else Cutter().cut(data)
        pieces = self._look(chunks)
        self._take(pieces)
        if len(data) > WHOLE_BYTES:
            self._put_recipe(digest, _steps(pieces))
        return digest

    def flush(self) -> None:
        """Make all that was stored durable."""
        self._drain(0)
        self._seal()
        self._settle(0)

    def _small(self, sources: Sequence[SourceFile], numbers: list[int], digests: list[bytes]) -> None:
        if not numbers:
            return
        chosen = [sources[number] for number in numbers]

        def done(pieces: list[_Piece]) -> None:
            for number, piece in zip(numbers, pieces, strict=True):
                digests[number] = piece.digest
            self._take(pieces)

        self._enqueue(self._threads.submit(self._read_whole, chosen), done)

    def _read_whole(self, sources: list[SourceFile]) -> list[_Piece]:
        contents = []
        for source in sources:
            with _opened(source) as file:
                contents.append(file.read(source.size_bytes + 1))
                _check_same(source, file.fileno(), read_bytes=len(contents[-1]))
        return self._look(contents)

    def _large(self, source: SourceFile) -> bytes:
        cutter, steps, whole = Cutter(), Steps(), blake3()
        read_bytes, left = 0, b""
        with _opened(source) as file:
            while True:
                buffer = self._spare.pop() if self._spare else bytearray(_WINDOW_BYTES)
                buffer[: len(left)] = left
                end = _fill(file, buffer, len(left))
                window = memoryview(buffer)[:end]
                whole.update(window[len(left) :])
                read_bytes += end - len(left)
                chunks = cutter.cut(window)
                if end < len(buffer):
                    self._submit(chunks, steps, buffer)
                    break
                left = bytes(chunks.pop())  # it may go on in the next window
                self._submit(chunks, steps, buffer)
            _check_same(source, file.fileno(), read_bytes=read_bytes)
        digest: bytes = whole.digest()
        self._enqueue(None, lambda _: self._put_recipe(digest, steps))
        return digest

    def _submit(self, chunks: Sequence[memoryview], steps: Steps, buffer: bytearray) -> None:
        def done(pieces: list[_Piece]) -> None:
            for piece in pieces:
                steps.add(piece.digest, piece.length_bytes)
            self._take(pieces)
            self._spare.append(buffer)

        self._enqueue(self._threads.submit(self._look, chunks), done)

    def _put_recipe(self, digest: bytes, steps: Steps) -> None:
        """Store how a content is put together, once the last of its chunks is done."""
        recipe, level = steps.to_recipe(), 1
        while len(recipe) > LONGEST_BYTES:
            pieces = self._look(Cutter().cut(recipe))
            self._take(pieces)
            recipe, level = _steps(pieces).to_recipe(), level + 1
        if digest not in self._fresh and not self._index.known([digest])[0]:
            self._put_frame(to_frame(digest, recipe, level=level))

    def _look(self, chunks: Sequence[bytes | memoryview]) -> list[_Piece]:
        """In a thread: hash each chunk, and compress those that the store does not have."""
        digests = [blake3(chunk).digest() for chunk in chunks]
        known = self._index.known(digests)
        return [
            _Piece(digest, len(chunk), None if there or digest in self._fresh else to_frame(digest, chunk))
            for digest, chunk, there in zip(digests, chunks, known, strict=True)
        ]

    def _enqueue(self, future: Future[list[_Piece]] | None, done: Callable[[list[_Piece]], None]) -> None:
        self._waiting.append((future, done))
        self._drain(_AHEAD)

    def _drain(self, left: int) -> None:
        while len(self._waiting) > left:
            future, done = self._waiting.popleft()
            done(future.result() if future else [])

    def _take(self, pieces: Iterable[_Piece]) -> None:
        for piece in pieces:
            if piece.frame is not None and piece.digest not in self._fresh:
                self._put_frame(piece.frame)
            self._advance(piece.length_bytes)

    def _put_frame(self, frame: Frame) -> None:
        self._pack.add(frame)
        self._fresh.add(frame.digest)
        if self._pack.size_bytes >= PACK_BYTES:
            self._seal()

    def _seal(self) -> None:
        if not self._pack.entries:
            return
        self._settle(_PUTS_AHEAD - 1)
        self._puts.append((self._pack, self._putter.submit(self._put, self._pack)))
        self._pack = PackBuilder(self._buffer())

    def _settle(self, left: int) -> None:
        while len(self._puts) > left:
            pack, put = self._puts.popleft()
            self.new_bytes += put.result()
            # From here on the index knows them; a chunk that a thread looked up before may be stored twice.
            self._fresh.difference_update(entry.digest for entry in pack.entries)
            self._buffers.append(pack.buffer)

    def _put(self, builder: PackBuilder) -> int:
        pack: bytes = blake3(builder.data).digest()
        index = encode_index(builder.entries)
        # First the pack, then its index, then the local cache: each counts on the one before.
        self._objects.put(pack_key(pack), builder.data)
        self._objects.put(index_key(pack), index)
        self._index.add(pack, builder.entries)
        return builder.size_bytes + len(index)

    def _buffer(self) -> bytearray:
        return self._buffers.pop() if self._buffers else bytearray(PACK_BYTES + 2 * LONGEST_BYTES)


def _steps(pieces: Iterable[_Piece]) -> Steps:
    steps = Steps()
    for piece in pieces:
        steps.add(piece.digest, piece.length_bytes)
    return steps


def _fill(file: FileIO, buffer: bytearray, start: int) -> int:
    """Read until the buffer is full or the file ends; returns where the bytes end."""
    with memoryview(buffer) as view:
        while start < len(buffer) and (read := file.readinto(view[start:])):
            start += read
    return start


@contextmanager
def _opened(source: SourceFile) -> Iterator[FileIO]:
    try:
        with FileIO(source.path) as file:
            yield file
    except FileNotFoundError:
        raise NotFound("file", source.path) from None
    except OSError as error:
        raise unavailable(error, source.path) from error


def _check_same(source: SourceFile, handle: int, *, read_bytes: int) -> None:
    facts = os.fstat(handle)
    now = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
    if now != (source.size_bytes, source.modified_ns, source.inode) or read_bytes != source.size_bytes:
        raise Conflict(
            "the file was changed while it was being committed",
            where=source.path,
            fix="Commit again when nothing writes to it",
        )
