"""A worker that is killed anywhere in a release leaves records that the next one finishes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import Any

import pytest

from stackcanvas.deployment import Health
from stackcanvas.metadata import Ref

# A worker that deploys, ticks and takes back without end, in a process of its own.
_WORKER = """
import random, sys
from datetime import timedelta
from pathlib import Path
from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import SystemClock
from stackcanvas.deployment import Analysis, Canary, Deployment, Health
from stackcanvas.errors import StackCanvasError
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Ref, Spine
from stackcanvas.registry import Policy, Registry
from stackcanvas.serving import Serving

url, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
clock = SystemClock()
spine = Spine(open_database(url), clock=clock, ids=Ids(clock.now), actor=Actor("worker", True))
registry = Registry(spine, open_objects(f"file://{folder}/objects"), lambda _: Policy())
serving = Serving(spine, registry, folder)
deployment = Deployment(spine, serving, allow=lambda _: None, health=lambda *_: Health(100))
rng = random.Random(seed)
canary = Canary(steps=(0.5, 1.0), every=timedelta(0), analysis=Analysis(min_predictions=0))
print("ready", flush=True)
while True:
    try:
        match rng.randrange(4):
            case 0:
                deployment.deploy("delay", Ref("model", "delay", str(rng.randrange(1, 4))), strategy=canary)
            case 1:
                deployment.rollback("delay")
            case _:
                deployment.tick(clock.now())
    except StackCanvasError:
        pass
"""


@pytest.mark.parametrize("rounds", [5, pytest.param(150, marks=pytest.mark.soak)])
def test_a_killed_worker_leaves_nothing_half_done(world: Any, rounds: int) -> None:
    """After each kill the records are whole, one tick brings the routes to what they say, and work goes on."""
    world.register(3)
    rng = random.Random(rounds)
    url = f"sqlite:///{world.folder.parent}/metadata.db"
    for at in range(rounds):
        command = [sys.executable, "-c", _WORKER, url, str(world.folder), str(at)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(rng.random() * 0.5)
        worker.kill()
        worker.communicate()

        world.health = dict.fromkeys((f"model:delay@{number}" for number in (1, 2, 3)), Health())
        world.deployment.tick(world.clock.now())
        for status in world.deployment.ls():
            weights = world.routes()["delay"]
            events = world.spine.events.after(0, subject=Ref("deployment", "delay"), limit=1_000_000)
            assert sum(weights.values()) == pytest.approx(1.0)
            assert len(events) == status.revision == world.routes()["revision"]
            running = [one for one in world.deployment.history("delay", limit=10_000) if one.state == "progressing"]
            assert len(running) == (status.candidate is not None)
            assert set(weights) <= {f"v{one.selector}" for one in (status.live, status.candidate) if one}
    assert world.spine.audit.verify() == []
