"""A materialisation that is killed at any moment is made whole by the next one."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.errors import Unavailable
from stackcanvas.features import Features, FeatureView
from stackcanvas.metadata import Spine
from stackcanvas.testing.redis import RedisServer

KEYS = 60_000
CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from stackcanvas.backends.database import open_database
from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.features import Features, FeatureView
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine

root, until = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
clock = ManualClock(until)
spine = Spine(open_database(f"sqlite:///{root}/metadata.db"), clock=clock, ids=Ids(clock.now), actor=Actor("child"))
data = Data(spine, open_objects(f"file://{root}/objects"), root, root / "cache")
view = FeatureView("view", entity=["key"], source="rows", event_time="event", features=["value"])
features = Features(spine, data, open_keyvalue(sys.argv[3]), [view], folder=root / "features")
print("ready", flush=True)
features.materialize()
print("done", flush=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 100))])
def test_the_next_one_brings_everything_online(  # noqa: PLR0917 - pytest passes them by name
    tmp_path: Path,
    spine: Spine,
    data: Data,
    request: pytest.FixtureRequest,
    clock: ManualClock,
    seed: int,
    kind: str,
) -> None:
    """Killed while it writes, then run again: each key has its value, and the record of the first says lost."""
    url = f"sqlite:///{tmp_path}/online.db" if kind == "sqlite" else request.getfixturevalue("redis_url")
    store = open_keyvalue(url)
    rng = random.Random(seed)
    event = clock.now() - timedelta(hours=1)
    data.commit("rows", pl.DataFrame({"key": range(KEYS), "event": [event] * KEYS, "value": range(KEYS)}))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), clock.now().isoformat(), url], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(rng.random() * 0.8)
    child.kill()
    child.wait()
    child.stdout.close()

    view = FeatureView("view", entity=["key"], source="rows", event_time="event", features=["value"])
    features = Features(spine, data, store, [view], folder=tmp_path / "features")
    features.materialize()

    chosen = rng.sample(range(KEYS), 2000)
    found = features.online(["view:value"], [{"key": key} for key in chosen])
    assert [row["value"] for row in found] == chosen
    assert len(list(store.scan(b"view\0"))) == KEYS
    spine.executions.reap()
    states = {one.state for one in spine.executions.search(kind="features.materialize")}
    assert states <= {"done", "lost"}
    store.close()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 100))])
def test_a_store_that_is_killed_while_it_is_written(
    tmp_path: Path, spine: Spine, data: Data, clock: ManualClock, seed: int
) -> None:
    """A Redis server that forgets all in the middle: it is said, and the next one begins anew."""
    rng = random.Random(seed)
    event = clock.now() - timedelta(hours=1)
    data.commit("rows", pl.DataFrame({"key": range(KEYS), "event": [event] * KEYS, "value": range(KEYS)}))
    view = FeatureView("view", entity=["key"], source="rows", event_time="event", features=["value"])
    server = RedisServer()
    server.start()
    store = open_keyvalue(server.url)
    features = Features(spine, data, store, [view], folder=tmp_path / "features")
    try:
        end = threading.Timer(rng.random() * 0.8, server.kill)
        end.start()
        with suppress(Unavailable):
            features.materialize()
        end.join()
        with pytest.raises(Unavailable):
            features.materialize()
        server.start()

        features.materialize()

        chosen = rng.sample(range(KEYS), 2000)
        found = features.online(["view:value"], [{"key": key} for key in chosen])
        assert [row["value"] for row in found] == chosen
        assert {one.state for one in spine.executions.search(kind="features.materialize")} == {"done", "failed"}
    finally:
        store.close()
        server.stop()
