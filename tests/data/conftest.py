"""A data block over the shared workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.data import Data
from stackcanvas.metadata import Spine


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The project's folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """An empty object store."""
    return open_objects(tmp_path / "objects")


@pytest.fixture
def make_data(spine: Spine, objects: Objects, root: Path, tmp_path: Path) -> Iterator[Callable[..., Data]]:
    """Makes blocks over the same workspace, each with a cache of its own name."""
    made: list[Data] = []

    def make(cache: str = "cache", *, by: Spine | None = None) -> Data:
        made.append(Data(by or spine, objects, root, tmp_path / cache))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def data(make_data: Callable[..., Data]) -> Data:
    """The block."""
    return make_data()
