"""A workspace with data sets and an online store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from stackcanvas.backends.keyvalue import KeyValue, open_keyvalue
from stackcanvas.backends.objects import open_objects
from stackcanvas.data import Data
from stackcanvas.features import Definition, Features
from stackcanvas.metadata import Spine
from stackcanvas.testing.redis import redis_server, redis_url

__all__ = ["redis_server", "redis_url"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyValue]:
    """An empty online store in a file."""
    opened = open_keyvalue(f"sqlite:///{tmp_path}/online.db")
    yield opened
    opened.close()


@pytest.fixture
def data(spine: Spine, tmp_path: Path) -> Iterator[Data]:
    """Data sets of a project."""
    opened = Data(spine, open_objects(f"file://{tmp_path}/objects"), tmp_path, tmp_path / "cache")
    yield opened
    opened.close()


@pytest.fixture
def make_features(
    spine: Spine, data: Data, store: KeyValue, tmp_path: Path
) -> Callable[[Sequence[Definition]], Features]:
    """The feature store of a project with these views."""
    return lambda views: Features(spine, data, store, views, folder=tmp_path / "features")
