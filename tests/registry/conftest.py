"""A registry over a fresh workspace, and a model to register."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from stackcanvas.backends.objects import Objects, open_objects
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import Policy, Registry

Trained = tuple[Any, pl.DataFrame]  # a fitted model and the rows that it was trained on


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """An object store in a folder."""
    return open_objects(f"file://{tmp_path}/objects")


@pytest.fixture
def make_registry(spine: Spine, objects: Objects) -> Callable[..., Registry]:
    """Makes registries with a policy."""

    def make(policy: Policy | None = None) -> Registry:
        return Registry(spine, objects, lambda _: policy or Policy())

    return make


@pytest.fixture
def registry(make_registry: Callable[..., Registry]) -> Registry:
    """A registry that asks for nothing."""
    return make_registry()


@pytest.fixture
def train() -> Callable[..., Trained]:
    """Trains a small model on made-up weather."""

    def fit(*, columns: tuple[str, ...] = ("wind", "rain"), strength: float = 1.0) -> Trained:
        rng = np.random.default_rng(7)
        sample = pl.DataFrame({name: rng.normal(size=200).astype(np.float32) for name in columns})
        late = sample.to_numpy().sum(axis=1) + rng.normal(size=200) > 0
        return LogisticRegression(C=strength).fit(sample, late), sample

    return fit


@pytest.fixture
def trained(train: Callable[..., Trained]) -> Trained:
    """The model that most tests register."""
    return train()


@pytest.fixture
def recorded(spine: Spine) -> tuple[Ref, Ref]:
    """A run and a data version that the spine knows."""
    data = Ref("data", "rows", "1")
    with spine.record("experiments.run") as recording, spine.write() as tx:
        spine.artifacts.add(tx, data, digest="0" * 64, execution=recording.id)
        recording.made(data)
        recording.finish(tx)
    return Ref("run", recording.id), data
