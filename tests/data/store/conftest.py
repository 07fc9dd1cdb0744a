"""A store of contents, without the block around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.backends.objects import Objects
from stackcanvas.data.store import ChunkIndex, Reader, SourceFile, Writer


class Store:
    """A writer's and a reader's view of one object store."""

    def __init__(self, objects: Objects, cache: KeyValue) -> None:
        self.objects = objects
        self.index = ChunkIndex(objects, cache)
        self.reader = Reader(objects, self.index)

    def put(self, *contents: bytes) -> list[bytes]:
        """Store contents, durably."""
        with Writer(self.objects, self.index) as writer:
            digests = [writer.content(content) for content in contents]
            writer.flush()
        return digests

    def put_files(self, *paths: Path) -> tuple[list[bytes], int]:
        """Store files, durably; returns digests and how much the store grew."""
        with Writer(self.objects, self.index) as writer:
            digests = writer.files([source(path) for path in paths])
            writer.flush()
        return digests, writer.new_bytes


def source(path: Path) -> SourceFile:
    """A file as it is now."""
    facts = path.stat()
    return SourceFile(str(path), facts.st_size, facts.st_mtime_ns, facts.st_ino)


@pytest.fixture
def make_store(objects: Objects, tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens the object store with an index cache of some name."""
    caches: list[KeyValue] = []

    def make(cache: str = "chunks") -> Store:
        caches.append(open_keyvalue(f"sqlite:///{tmp_path}/{cache}.db"))
        return Store(objects, caches[-1])

    yield make
    for cache in caches:
        cache.close()


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    """The store."""
    return make_store()
