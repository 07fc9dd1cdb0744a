"""What files held when they were last read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.data.seen import Seen
from stackcanvas.data.sources import gather
from stackcanvas.data.store import SourceFile
from stackcanvas.errors import NotFound

_LONG_AGO = 1_000_000_000


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    """An empty memory."""
    cache = open_keyvalue(f"sqlite:///{tmp_path}/local.db")
    yield Seen(cache)
    cache.close()


def _file(path: Path, content: bytes, *, modified_s: int = _LONG_AGO) -> SourceFile:
    path.write_bytes(content)
    os.utime(path, (modified_s, modified_s))
    return gather([path]).files[0][1]


def test_an_unchanged_file_is_known(seen: Seen, tmp_path: Path) -> None:
    """After it was read once, the digest is known without reading."""
    file = _file(tmp_path / "file", b"content")

    assert seen.digests([file]) == [None]
    assert seen.read([file]) == [blake3(b"content").digest()]
    assert seen.digests([file]) == [blake3(b"content").digest()]


def test_a_changed_file_is_not(seen: Seen, tmp_path: Path) -> None:
    """Another size, time or inode means that it must be read again."""
    file = _file(tmp_path / "file", b"content")
    seen.read([file])

    others = [file._replace(size_bytes=8), file._replace(modified_ns=5), file._replace(inode=1)]

    assert seen.digests(others) == [None, None, None]


def test_a_file_changed_just_now_is_not_remembered(seen: Seen, tmp_path: Path) -> None:
    """It could change once more within the resolution of its time, unseen."""
    (tmp_path / "file").write_bytes(b"content")
    file = gather([tmp_path / "file"]).files[0][1]

    assert seen.read([file]) == [blake3(b"content").digest()]
    assert seen.digests([file]) == [None]


def test_a_file_that_is_gone(seen: Seen, tmp_path: Path) -> None:
    """It is named."""
    file = _file(tmp_path / "file", b"content")
    (tmp_path / "file").unlink()

    with pytest.raises(NotFound, match="file"):
        seen.read([file])
