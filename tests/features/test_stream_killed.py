"""A stream pushed and folded by processes that are killed again and again: nothing is lost, both paths agree."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.features import Features, FeatureView
from stackcanvas.metadata import Spine

KEYS, PUSHERS = 30, 2
CHILD = """
import random, sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from stackcanvas.backends.database import open_database
from stackcanvas.backends.keyvalue import open_keyvalue
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.data import Data
from stackcanvas.features import Features, FeatureView
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine

root, url, rows = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
clock = ManualClock(datetime.fromisoformat(sys.argv[4]))
ids = Ids(lambda: datetime.now(UTC))
spine = Spine(open_database(f"sqlite:///{root}/metadata.db"), clock=clock, ids=ids, actor=Actor("child"))
data = Data(spine, open_objects(f"file://{root}/objects"), root, root / "cache")
view = FeatureView("clicks", entity=["key"], source="clicks", event_time="event", known_time="known",
                   features=["value"], stream=True)
features = Features(spine, data, open_keyvalue(url), [view], folder=root / "features")
print("ready", flush=True)
if rows == "fold":
    while True:
        features.fold()
        if features.waiting_since("clicks") is None and data.ls():
            features.materialize()
frame = pl.read_parquet(rows)
frame = pl.concat([frame, frame.sample(40)]).sample(fraction=1.0, shuffle=True)
for start in range(0, frame.height, 5):
    features.push("clicks", frame.slice(start, 5))
"""


def rows_of(pusher: int, rng: random.Random, now: datetime) -> pl.DataFrame:
    """Rows of a minute, of which many tie on their event; no two tie on their knowledge, too."""
    found = []
    for number in range(120):
        event = now - timedelta(seconds=rng.randint(10, 60))
        known = event + timedelta(seconds=rng.randint(0, 9), microseconds=pusher * 1000 + number)
        found.append((rng.randrange(KEYS), event, known, pusher * 1000 + number))
    return pl.DataFrame(found, schema=["key", "event", "known", "value"], orient="row")


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 40))])
def test_nothing_is_lost_and_both_paths_agree(  # noqa: PLR0917 - pytest passes them by name
    tmp_path: Path,
    spine: Spine,
    data: Data,
    request: pytest.FixtureRequest,
    clock: ManualClock,
    seed: int,
    kind: str,
) -> None:
    """Late, twice, out of order, from two processes, with two that fold and materialise beside them."""
    url = f"sqlite:///{tmp_path}/online.db" if kind == "sqlite" else request.getfixturevalue("redis_url")
    rng, now = random.Random(seed), clock.now().astimezone(UTC)
    frames = [rows_of(pusher, rng, now) for pusher in range(PUSHERS)]
    jobs = ["fold", "fold"]
    for pusher, frame in enumerate(frames):
        frame.write_parquet(tmp_path / f"{pusher}.parquet")
        jobs.append(str(tmp_path / f"{pusher}.parquet"))

    def begin(job: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CHILD, str(tmp_path), url, job, now.isoformat()]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    running = [begin(job) for job in jobs]
    try:
        time.sleep(1.0)
        for _ in range(6):
            time.sleep(rng.random() * 0.4)
            at = rng.randrange(len(jobs))
            running[at].kill()
            running[at].communicate()
            running[at] = begin(jobs[at])
        for one in running[2:]:
            assert one.wait(60) == 0, one.communicate()[1].decode()
        assert [one.poll() for one in running[:2]] == [None, None]
    finally:
        for one in running:
            one.kill()
            one.communicate()

    view = FeatureView(
        "clicks",
        entity=["key"],
        source="clicks",
        event_time="event",
        known_time="known",
        features=["value"],
        stream=True,
    )
    store = open_keyvalue(url)
    features = Features(spine, data, store, [view], folder=tmp_path / "features")
    features.fold()
    features.materialize()

    pushed = pl.concat(frames)
    expected = {
        key: max((event, known, value) for of, event, known, value in pushed.rows() if of == key)[2]
        for key in set(pushed["key"])
    }
    keys = sorted(expected)
    online = features.online(["clicks:value"], [{"key": key} for key in keys])
    asked = pl.DataFrame({"key": keys, "time": [now] * len(keys)})
    offline = features.join(asked, ["clicks"], time="time")["value"].to_list()
    assert [row["value"] for row in online] == offline == [expected[key] for key in keys]
    assert sorted(data.scan("clicks").collect().rows()) == sorted(pushed.rows())
    store.close()
