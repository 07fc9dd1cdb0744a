"""The main job on real flights: it finds what changes, and a demo that was killed goes on where it stood."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psutil
import pytest

from stackcanvas.errors import Conflict
from stackcanvas.examples.demo import Screen, play
from stackcanvas.examples.demo.feed import KEY, Feed, read_feed
from stackcanvas.stack import open  # noqa: A004 - the verb of the package

DATA = Path(__file__).parents[2] / "src/stackcanvas/examples/flights/data"
SOON = datetime(2013, 5, 3, tzinfo=UTC)
LATER = datetime(2013, 5, 5, tzinfo=UTC)
PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from test_demo import SILENT
from stackcanvas.examples.demo import play
play(Path(sys.argv[1]), SILENT, end=datetime.fromisoformat(sys.argv[2]))
"""


@contextlib.contextmanager
def _unseen(_what: str, _total: float) -> Iterator[Callable[[float], None]]:
    yield lambda _: None


SILENT = Screen(lambda _: None, lambda _: None, _unseen)


@pytest.fixture(scope="module")
def feed() -> Feed:
    """The flights of 2013."""
    return read_feed(DATA)


def test_nothing_is_known_before_it_happened(feed: Feed) -> None:
    """At any instant no delay of a flight that is still in the air, and no weather that is not published."""
    now = datetime(2013, 5, 17, 14, 20, tzinfo=UTC)

    known = feed.known(now)

    truth = feed.flights.select(*KEY, "landed", departed=pl.col("scheduled") + pl.duration(minutes="dep_delay_min"))
    beside = known.join(truth, on=KEY, nulls_equal=True)
    assert beside.filter(pl.col("arr_delay_min").is_not_null(), pl.col("landed") > now).is_empty()
    assert beside.filter(pl.col("dep_delay_min").is_not_null(), pl.col("departed") > now).is_empty()
    assert known["scheduled"].max() <= now  # type: ignore[operator]
    assert known["arr_delay_min"].null_count() < feed.known(now + timedelta(hours=12)).height
    assert feed.observed(now)["hour"].max() == datetime(2013, 5, 17, 13, tzinfo=UTC)


def test_a_flight_is_told_apart_by_its_key(feed: Feed) -> None:
    """Labels are joined by it: no two flights share one."""
    assert feed.flights.select(KEY).is_duplicated().sum() == 0


def test_a_killed_demo_goes_on_and_one_that_is_over_tells_its_figures(tmp_path: Path) -> None:
    """Every flight is asked about once, whenever the demo was killed; a third call plays nothing again."""
    root = tmp_path / "flights"
    first = subprocess.Popen([sys.executable, "-c", PROGRAM, str(root), LATER.isoformat()], cwd=Path(__file__).parent)
    mark = root / ".stackcanvas" / "demo.json"
    while first.poll() is None and not (mark.exists() and "2013-05-02" in mark.read_text()):
        with contextlib.suppress(subprocess.TimeoutExpired):
            first.wait(0.02)
    server = psutil.Process(json.loads((root / ".stackcanvas" / "run" / "predict.json").read_text())["pid"])
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert server.wait(60) is None

    reached = datetime.fromisoformat(json.loads(mark.read_text())["hour"])
    end = reached.replace(hour=0) + timedelta(days=1)

    told = play(root, SILENT, end=end)

    assert told.live[0][0].name == "delay"
    assert told.outcomes > 1000
    with open(root) as stack:
        rows = stack.serving.log.scan("delay").collect()
        problems = stack.spine.audit.verify()
    # The hour in which it was killed may have been asked twice; no other.
    asked = rows.group_by("time").agg(pl.len(), pl.col("entity").n_unique().alias("flights"))
    assert asked.filter(pl.col("len") > pl.col("flights")).height <= 1
    assert rows["time"].max() < end  # type: ignore[operator]
    assert problems == []
    assert play(root, SILENT, end=end) == told


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "thesis.txt").write_text("x")

    with pytest.raises(Conflict, match="something else than a demo"):
        play(tmp_path, SILENT, end=SOON)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
