"""Deployment over real serving and a real registry, with a clock that is moved and health that is said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.deployment import Deployment, Health
from stackcanvas.errors import Refused
from stackcanvas.metadata import Ref, Spine
from stackcanvas.registry import Policy, Registry
from stackcanvas.serving import Serving
from stackcanvas.serving.server.documents import RouteSpec, decode
from stackcanvas.testing.onnx_models import delay_model


class World:
    """A project with models delay@1, delay@2, ... and an opinion on how they do."""

    def __init__(self, spine: Spine, clock: ManualClock, folder: Path) -> None:
        self.spine = spine
        self.clock = clock
        self.folder = folder
        self.health: dict[str, Health] = {}
        self.refused: set[str] = set()
        self.registry = Registry(spine, open_objects(f"file://{folder}/objects"), lambda _: Policy())
        self.serving = Serving(spine, self.registry, folder)
        self.deployment = self.another()

    def another(self, spine: Spine | None = None) -> Deployment:
        """A deployment block of its own over the same project, as another worker has it."""
        return Deployment(spine or self.spine, self.serving, allow=self._allow, health=self._health)

    def register(self, count: int) -> list[Ref]:
        """So many versions."""
        sample = pl.DataFrame(
            {"wind": [1.0], "month": [0], "carrier": ["AA"], "night": [True]}, schema_overrides={"wind": pl.Float32}
        )
        return [self.registry.register("delay", delay_model(at / 10), sample=sample).ref for at in range(count)]

    def later(self, **span: float) -> datetime:
        """Move the clock."""
        self.clock.advance(seconds_s=span.get("minutes", 0) * 60 + span.get("hours", 0) * 3600)
        return self.clock.now()

    def routes(self) -> dict[str, Any]:
        """What the servers read: weights by variant, shadows, revision."""
        place = self.folder / "serving" / "routes.json"
        read = decode(place.read_bytes(), RouteSpec, where=place)
        return {
            "revision": read.revision,
            **{
                name: {one.name: one.weight for one in endpoint.variants}
                | {f"{one.name} copied": one.weight for one in endpoint.shadow}
                for name, endpoint in read.endpoints.items()
            },
        }

    def _allow(self, model: Ref) -> None:
        if str(model) in self.refused:
            raise Refused(f"{model} has not passed the gate")

    def _health(self, _endpoint: str, model: Ref, _start: datetime, _end: datetime) -> Health:
        return self.health.get(str(model), Health(predictions=1000))


@pytest.fixture
def world(spine: Spine, clock: ManualClock, tmp_path: Path) -> World:
    """A project without deployments."""
    return World(spine, clock, tmp_path / "state")


@pytest.fixture
def make_world(spine: Spine, clock: ManualClock, tmp_path: Path) -> Callable[[str], World]:
    """Makes projects that share a database."""
    return lambda name: World(spine, clock, tmp_path / name)
