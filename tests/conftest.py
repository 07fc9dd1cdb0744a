"""What all tests share: a workspace on a fresh database, with a clock that stands still."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from stackcanvas.backends.database import Database, open_database
from stackcanvas.clock import ManualClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, CodeState, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load
from stackcanvas.testing.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

# How long an example takes says something about the machine, not about the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# Threads of scikit-learn that spin while they wait take the processor from the tests beside them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """Monday morning, until the test moves it."""
    return ManualClock(START)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite workspace with every table."""
    opened = open_database(f"sqlite:///{tmp_path}/metadata.db")
    prepare(opened, load)
    yield opened
    opened.close()


@pytest.fixture
def make_spine(database: Database, clock: ManualClock) -> Callable[..., Spine]:
    """Makes spines over the workspace, one for each actor who shares it."""

    def make(actor: str = "ada", *, verified: bool = True) -> Spine:
        return Spine(
            database,
            clock=clock,
            ids=Ids(clock.now),
            actor=Actor(actor, verified),
            code=lambda: CodeState("c0ffee" * 6 + "c0ff", dirty=False),
            wall=clock,
        )

    return make


@pytest.fixture
def spine(make_spine: Callable[..., Spine]) -> Spine:
    """The spine of one actor over the workspace."""
    return make_spine()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What is skipped in CI counts as failed: a check that does not run checks nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
