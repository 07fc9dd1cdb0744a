from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.clock import SystemClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh workspace of either kind, its tables made."""
    url: str = f"sqlite:///{tmp_path}/metadata.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    database = open_database(url)
    prepare(database, load)
    database.close()
    return url


@pytest.fixture
def shared_spine(shared_url: str) -> Iterator[Spine]:
    """A spine over the shared workspace, in this process."""
    clock = SystemClock()
    spine = Spine(open_database(shared_url), clock=clock, ids=Ids(clock.now), actor=Actor("test", verified=True))
    yield spine
    spine.database.close()


@pytest.fixture
def start_worker(shared_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts processes that work over the shared workspace, in a group that can be killed at once."""
    started: list[subprocess.Popen[str]] = []

    def start(verb: str, *, processes: int, times: int) -> subprocess.Popen[str]:
        script = Path(__file__).with_name("spine_worker.py")
        command = [sys.executable, str(script), verb, shared_url, str(processes), str(times)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
