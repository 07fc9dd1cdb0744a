"""A folder to serve, and servers that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcanvas.testing.serving import PredictionProcess, ServedFolder


@pytest.fixture
def folder(tmp_path: Path) -> ServedFolder:
    """An empty folder to be served."""
    return ServedFolder(tmp_path / "state")


@pytest.fixture
def start() -> Iterator[Callable[..., PredictionProcess]]:
    """Starts servers, and ends them when the test is over."""
    started: list[PredictionProcess] = []

    def begin(folder: ServedFolder, *options: str, wait: bool = True) -> PredictionProcess:
        started.append(PredictionProcess(folder, *options, wait=wait))
        return started[-1]

    yield begin
    for server in started:
        server.kill()


@pytest.fixture(scope="module")
def delays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictionProcess]:
    """One server for the tests of a file, with the endpoints delay, matrix and log."""
    folder = ServedFolder(tmp_path_factory.mktemp("delays") / "state")
    folder.route(
        delay=folder.to(("v1", folder.delay(), 1.0)),
        matrix=folder.to(("v1", folder.matrix(), 1.0)),
        log=folder.to(("v1", folder.log(), 1.0)),
    )
    server = PredictionProcess(folder)
    yield server
    server.kill()
