"""Queues of items over a block of data, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.database import Database, open_database
from stackcanvas.data import Data
from stackcanvas.data.annotation import Annotation, Policy
from stackcanvas.metadata import Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load
from stackcanvas.testing.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

TEXTS = ["I like it", "it is bad", "so so", "great 💖 stuff", "awful"]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A workspace's database; PostgreSQL where a test asks for it."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path}/metadata.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """The workspace with every table."""
    opened = open_database(url)
    prepare(opened, load)
    yield opened
    opened.close()


@pytest.fixture
def annotation(data: Data, spine: Spine) -> Annotation:
    """Labelling over a block with five reviews; two labels each at ten cents, as a canvas might say."""
    rows = {"id": range(1, 6), "text": TEXTS, "score": [0.9, 0.55, 0.5, 0.99, 0.2]}
    data.commit("reviews", pl.DataFrame(rows), key="id")
    return Annotation(data, spine, Policy(2, Decimal("0.10"), "EUR"))
