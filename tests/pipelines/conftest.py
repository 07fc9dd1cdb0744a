"""What the tests of pipelines share: a project in a fresh folder."""

from __future__ import annotations

import importlib
import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.testing.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

HERE = str(Path(__file__).parent)
# What every file of code in a test begins with: a step can leave a word behind.
PRELUDE = """
import stackcanvas as sc
from pathlib import Path
HERE = Path(__file__).parent

def said(word):
    with (HERE / "calls").open("a") as file:
        file.write(word + "\\n")

"""


class Project:
    """A project's folder, and the stack over it."""

    def __init__(self, root: Path, clock: ManualClock) -> None:
        self.root = root
        self.clock = clock
        self.slept_s: list[float] = []
        self._opened: list[Any] = []

    def write(self, code: str, *, file: str = "pipelines.py") -> None:
        """Write a file of code; it knows `sc`, `HERE` and `said`."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PRELUDE + textwrap.dedent(code))
        # Two writes within one tick of the file system's clock must still be told apart.
        self._touched = getattr(self, "_touched", 1_700_000_000) + 1
        os.utime(path, (self._touched, self._touched))

    def open(self, **options: Any) -> Any:
        """The stack, as a new process would open it."""

        def sleep(seconds_s: float) -> None:
            self.slept_s.append(seconds_s)
            self.clock.advance(seconds_s=seconds_s)

        stack = importlib.import_module("opened_project").open_project(
            str(self.root), **{"clock": self.clock, "sleep": sleep, **options}
        )
        self._opened.append(stack)
        return stack

    def lines(self, file: str = "calls") -> list[str]:
        """What the steps of a test wrote to a file, line by line."""
        path = self.root / file
        return path.read_text().splitlines() if path.exists() else []

    def close(self) -> None:
        """Close what was opened."""
        for stack in self._opened:
            stack.pipelines.project.forget()
            stack.executor.close()
            stack.spine.database.close()


@pytest.fixture
def make_project(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Project]]:
    """Makes projects that every process can open."""
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("PYTHONPATH", HERE)
    made: list[Project] = []

    def make(name: str = "project") -> Project:
        root = tmp_path / name
        root.mkdir()
        project = Project(root.resolve(), clock)
        made.append(project)
        return project

    yield make
    for project in made:
        project.close()


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    """An empty project."""
    return make_project()
