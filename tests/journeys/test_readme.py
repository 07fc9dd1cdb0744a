"""The README is true: its commands are run as they stand, in the order in which they stand."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
PATIENCE_S = 120.0


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def _commands(block: str) -> list[list[str]]:
    return [line.split("#")[0].split() for line in block.splitlines()]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Runs a command line in a folder, with git knowing who is at work."""
    path = f"{BIN}:{os.environ['PATH']}"

    def call(words: list[str], *, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            words, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}, timeout=300
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    return call


@pytest.fixture
def up() -> Iterator[Callable[[Path], dict[str, str]]]:
    """Starts the stack of a project on free ports and stops it at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(project: Path) -> dict[str, str]:
        words = [str(BIN / "stackcanvas"), "up", "--port", "0", "--predict-port", "0"]
        started.append(subprocess.Popen(words, cwd=project, stdin=subprocess.DEVNULL))
        return {name: _address(project, name) for name in ("control", "predict")}

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _address(project: Path, name: str) -> str:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        try:
            told = json.loads((project / ".stackcanvas" / "run" / f"{name}.json").read_text())
        except (OSError, ValueError):
            time.sleep(0.05)
        else:
            return f"http://{told['host']}:{told['port']}"
    raise AssertionError(f"{name} did not start")


def test_a_project_begins_as_the_readme_says(
    tmp_path: Path, run: Callable[..., str], up: Callable[[Path], dict[str, str]]
) -> None:
    """From `init` to a prediction whose lineage ends at the version of the data."""
    begin, ask = _blocks("sh")[1:3]
    project = tmp_path
    for words in _commands(begin):
        if words[0] == "cd":
            project = tmp_path / words[1]
        elif words != ["stackcanvas", "up"]:
            run(words, cwd=project)
    addresses = up(project)

    curl, walk = ask.strip().splitlines()
    body = re.search(r"-d '(.*)'", curl)
    assert body is not None
    request = urllib.request.Request(f"{addresses['predict']}/v1/predict/churn", body[1].encode())  # noqa: S310
    (prediction,) = _answered(request)["predictions"]
    assert 0 <= prediction["output"]["probability"] <= 1

    lineage = _until(lambda: run(walk.replace("ID", prediction["prediction_id"]).split(), cwd=project))

    assert "model:churn@1" in lineage
    assert "data:customers@1" in lineage
    page = urllib.request.urlopen(f"{addresses['control']}/").read().decode()  # noqa: S310
    assert "churn" in page
    assert "version 1, 600 rows" in page


def _answered(request: urllib.request.Request) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - an address of this machine
                return json.load(answer)
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def _until(ask: Callable[[], str]) -> str:
    """What a command says once it says yes: the log is flushed a moment after the answer."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except AssertionError:
            if time.monotonic() > deadline_s:
                raise


def test_the_pipeline_of_the_readme_runs(tmp_path: Path, run: Callable[..., str]) -> None:
    """The code block is a whole `pipelines.py`; its steps are plain functions outside."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: readme}\n")
    (tmp_path / "pipelines.py").write_text(_blocks("python")[0])
    (tmp_path / "customers.csv").write_text("months,plan\n3,basic\n,plus\n")
    run(["stackcanvas", "data", "commit", "customers", "customers.csv"])

    run(["stackcanvas", "run", "prepare"])

    code = "import pipelines, polars as pl; print(pipelines.count(pl.DataFrame({'a': [1, 2]})))"
    assert run([sys.executable, "-c", code]).strip() == "2"
