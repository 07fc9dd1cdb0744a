"""Contents into the store."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from stackcanvas.data.store import Writer, writer
from stackcanvas.data.store.cutting import WHOLE_BYTES
from stackcanvas.errors import Conflict, NotFound

if TYPE_CHECKING:
    from tests.data.store.conftest import Store


def _noise(size_bytes: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def test_contents_are_stored_once(store: Store) -> None:
    """The same content again, whole or as a part, adds nothing but its recipe."""
    one = _noise(1_000_000)
    store.put(one)
    with Writer(store.objects, store.index) as again:
        assert again.content(one) == blake3(one).digest()
        again.flush()
        assert again.new_bytes == 0
        again.content(b"more " + one)
        again.flush()
        assert 0 < again.new_bytes < 300_000


@pytest.mark.parametrize("size_bytes", [0, 1, WHOLE_BYTES, WHOLE_BYTES + 1, 3_000_000, 9_000_000])
def test_files_and_bytes_are_the_same(store: Store, tmp_path: Path, size_bytes: int) -> None:
    """A file has the digest of its bytes and comes back, whatever its size."""
    content = _noise(size_bytes)
    (tmp_path / "file").write_bytes(content)

    (digest,), _ = store.put_files(tmp_path / "file")

    assert digest == blake3(content).digest()
    assert store.reader.whole(digest) == content


def test_many_files_in_order(store: Store, tmp_path: Path) -> None:
    """Small and large files among each other get their own digests, in the order given."""
    contents = [_noise(1000 * number * number, seed=number) for number in range(40)] + [b"twin", b"twin"]
    paths = [tmp_path / f"{number}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)

    digests, new_bytes = store.put_files(*paths)

    assert digests == [blake3(content).digest() for content in contents]
    assert [store.reader.whole(digest) for digest in digests] == contents
    assert store.put_files(*paths) == (digests, 0)
    assert new_bytes == pytest.approx(sum(map(len, contents)), rel=0.01)


def test_small_edits_cost_little(store: Store, tmp_path: Path) -> None:
    """A line inserted in the middle of a large text costs a few chunks."""
    lines = [b"%d,%d,EWR,JFK\n" % (number, number * 7919 % 10007) for number in range(400_000)]
    (tmp_path / "text").write_bytes(b"".join(lines))
    _, first = store.put_files(tmp_path / "text")
    lines.insert(200_000, b"one more line\n")
    (tmp_path / "text").write_bytes(b"".join(lines))

    _, second = store.put_files(tmp_path / "text")

    assert second < 0.05 * first


def test_many_packs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contents that fill several packs are whole, and each pack has its index."""
    monkeypatch.setattr(writer, "PACK_BYTES", 200_000)
    contents = [_noise(150_000, seed=number) for number in range(10)] + [_noise(2_000_000, seed=99)]

    digests = store.put(*contents)

    packs = [info.key.partition(".")[0] for info in store.objects.list("data/packs/")]
    assert len(packs) == 2 * len(set(packs)) > 10
    assert [store.reader.whole(digest) for digest in digests] == contents


def test_recipes_of_recipes(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A content whose recipe is long has a recipe of its recipe, on as many levels as it takes."""
    monkeypatch.setattr(writer, "LONGEST_BYTES", 100)
    content = _noise(3_000_000)
    (tmp_path / "file").write_bytes(content)

    (digest,), _ = store.put_files(tmp_path / "file")

    (place,) = store.index.locate([digest])
    assert place is not None
    assert place.entry.level > 1
    assert store.reader.whole(digest) == content
    assert store.reader.complete([digest]) == [True]


def test_a_file_that_is_gone(store: Store, tmp_path: Path) -> None:
    """A file that was deleted since it was listed is named."""
    (tmp_path / "file").write_bytes(b"x")
    listed = _source(tmp_path / "file")
    (tmp_path / "file").unlink()

    with pytest.raises(NotFound, match="file"), Writer(store.objects, store.index) as open_writer:
        open_writer.files([listed])


@pytest.mark.parametrize("size_bytes", [10, 5_000_000])
@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"other"), lambda path: os.utime(path, (1, 1))])
def test_a_file_that_changes(store: Store, tmp_path: Path, size_bytes: int, change: Callable[[Path], object]) -> None:
    """A file that was changed since it was listed stops the commit and is named."""
    (tmp_path / "file").write_bytes(bytes(size_bytes))
    listed = _source(tmp_path / "file")
    change(tmp_path / "file")

    with pytest.raises(Conflict, match="changed"), Writer(store.objects, store.index) as open_writer:
        open_writer.files([listed])


def test_progress(store: Store, tmp_path: Path) -> None:
    """Every byte is told once."""
    told: list[int] = []
    (tmp_path / "large").write_bytes(_noise(3_000_000))
    (tmp_path / "small").write_bytes(_noise(3_000))
    with Writer(store.objects, store.index, advance=told.append) as open_writer:
        open_writer.files([_source(tmp_path / "large"), _source(tmp_path / "small")])
        open_writer.flush()

    assert sum(told) == 3_003_000


def _source(path: Path) -> writer.SourceFile:
    facts = path.stat()
    return writer.SourceFile(str(path), facts.st_size, facts.st_mtime_ns, facts.st_ino)
