"""Stores that the real tools have written, and projects on both databases that take them over."""

from __future__ import annotations

import os
import secrets
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.testing.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

HERE = Path(__file__).parent
CANVAS = "stackcanvas: 1\nproject: {name: churn, date: 2026-11-23}\n"


def unpacked(name: str, folder: Path) -> Path:
    """What one of the archives beside this file holds."""
    with zipfile.ZipFile(HERE / f"{name}.zip") as archive:
        archive.extractall(folder)
    return folder


def make(root: Path, *, database: str | None = None) -> Path:
    """An empty project."""
    root.mkdir(parents=True)
    address = "" if database is None else "metadata: {store: {url: '${IMPORT_DATABASE}'}}\n"
    (root / "canvas.yaml").write_text(CANVAS + address)
    return root


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    """A file store of MLflow."""
    return unpacked("mlruns", tmp_path / "there") / "mlruns"


@pytest.fixture
def mlflow_db(tmp_path: Path) -> Path:
    """A SQLite store of MLflow, its files beside it."""
    return unpacked("mlflow_db", tmp_path / "there") / "mlflow.db"


@pytest.fixture
def dvc_repo(tmp_path: Path) -> Path:
    """A repository of DVC with its cache."""
    return unpacked("dvc_repo", tmp_path / "there" / "repo")


@pytest.fixture
def feast_repo(tmp_path: Path) -> Path:
    """A repository of Feast with its registries and sources."""
    return unpacked("feast_repo", tmp_path / "there" / "rides")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project on SQLite."""
    return make(tmp_path / "here")


@pytest.fixture
def stack(project: Path) -> Iterator[Stack]:
    """The same, opened."""
    with open_stack(project) as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def any_stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """An empty project on each database."""
    if request.param == "sqlite":
        with open_stack(make(tmp_path / "any")) as opened:
            yield opened
        return
    url = f"{request.getfixturevalue('postgres_server')}&schema=import_{secrets.token_hex(6)}"
    environ = {**os.environ, "IMPORT_DATABASE": url}
    with open_stack(make(tmp_path / "any", database=url), environ=environ) as opened:
        yield opened


@pytest.fixture
def seen() -> Callable[[Stack], object]:
    """All that a stack tells of runs and models, to be compared."""
    return told


def told(stack: Stack) -> dict[str, object]:
    """Runs with their metrics and files, models with their versions; without what is of this place."""
    runs = {}
    for run in sorted(stack.experiments.find(), key=lambda one: one.id):
        points = {key: repr(stack.experiments.metrics(run.id, key)) for key in run.metrics}
        files = {
            one.path: stack.experiments.files.get(run.id, one.path) for one in stack.experiments.files.walk(run.id)
        }
        facts = (run.name, run.experiment, run.status, run.started, run.ended, run.actor, run.parameters, run.tags)
        runs[run.id] = (*facts, points, files, [(one.name, one.digest, one.tags) for one in run.inputs])
    models = {}
    for model in stack.registry.ls():
        versions = [
            (one.number, one.version, one.stage, one.format, one.created, one.message, one.run, dict(one.files))
            for one in stack.registry.versions(model.name)
        ]
        models[model.name] = (model.description, model.tags, model.aliases, model.created, versions)
    experiments = [(one.id, one.name, one.lifecycle, one.tags) for one in stack.experiments.catalog.ls(lifecycle=None)]
    return {"runs": runs, "models": models, "experiments": experiments}
