"""A serving block over a fresh workspace, and rows in its log as the prediction server writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.metadata import Spine
from stackcanvas.registry import ModelVersion, Policy, Registry
from stackcanvas.serving import Policy as ServingPolicy
from stackcanvas.serving import Serving
from stackcanvas.testing.onnx_models import delay_model
from stackcanvas.testing.prediction_log import LogWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state of a project."""
    return tmp_path / "state"


@pytest.fixture
def predictions(folder: Path) -> Path:
    """Where the log lies."""
    return folder / "predictions"


@pytest.fixture
def log_writer(predictions: Path) -> LogWriter:
    """Writes rows into the log."""
    return LogWriter(predictions)


@pytest.fixture
def registry(spine: Spine, tmp_path: Path) -> Registry:
    """A registry that asks for nothing."""
    return Registry(spine, open_objects(f"file://{tmp_path}/objects"), lambda _: Policy())


@pytest.fixture
def register(registry: Registry) -> Callable[..., ModelVersion]:
    """Registers the delay model."""

    def add(name: str = "delay", *, shift: float = 0.0, **more: Any) -> ModelVersion:
        sample = pl.DataFrame(
            {
                "wind": [1.0, None, 30.0],
                "month": [0, 5, 11],
                "carrier": ["AA", "UA", "AA"],
                "night": [True, False, True],
            },
            schema_overrides={"wind": pl.Float32},
        )
        return registry.register(name, delay_model(shift), sample=sample, **more)

    return add


@pytest.fixture
def make_serving(spine: Spine, registry: Registry, folder: Path) -> Callable[..., Serving]:
    """Makes serving blocks with a policy."""

    def make(**policy: Any) -> Serving:
        return Serving(spine, registry, folder, policy=lambda _: ServingPolicy(**policy))

    return make


@pytest.fixture
def serving(make_serving: Callable[..., Serving]) -> Serving:
    """A serving block that asks for nothing."""
    return make_serving()
