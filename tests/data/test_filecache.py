"""Read-only whole files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stackcanvas.data import Data, DataFile
from stackcanvas.data.filecache import FileCache


def _committed(data: Data, root: Path) -> tuple[DataFile, FileCache]:
    (root / "notes").write_text("what was committed")
    data.commit("notes", root / "notes")
    parts = data._parts
    return data.files("notes")[0], parts.whole


def test_files_are_read_only_and_kept(data: Data, root: Path) -> None:
    """A file is taken out of the store once, and nobody may write to it."""
    file, cache = _committed(data, root)

    (first,) = cache.paths([file])
    (again,) = cache.paths([file])

    assert first == again
    assert first.read_text() == "what was committed"
    assert first.stat().st_mode & 0o222 == 0


def test_a_file_that_somebody_changed(data: Data, root: Path) -> None:
    """A file changed in place, which root can do, is taken out of the store again."""
    file, cache = _committed(data, root)
    (path,) = cache.paths([file])
    path.chmod(0o644)
    path.write_text("what was kommitted")

    (mended,) = cache.paths([file])

    assert mended.read_text() == "what was committed"


def test_the_cache_may_be_deleted(data: Data, root: Path, make_data: Callable[..., Data]) -> None:
    """Another machine, with an empty cache, gets the same files."""
    file, _ = _committed(data, root)

    (path,) = make_data("other")._parts.whole.paths([file])

    assert path.read_text() == "what was committed"
