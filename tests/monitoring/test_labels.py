"""Labels: idempotent, late, corrected, unmatched; by prediction and by entity."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcanvas.backends.database import Database
from stackcanvas.errors import BadInput
from stackcanvas.monitoring import LabelCounts, LabelsAdded, Policy
from stackcanvas.testing.monitoring import DAY, HOUR, WatchedEndpoint

Day = Callable[[float], datetime]

_OBSERVED = "2026-11-23T00:00:00Z"
_CHILD = f"""
import sys
from stackcanvas.backends.database import open_database
from stackcanvas.clock import SystemClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.testing.monitoring import WatchedEndpoint
clock = SystemClock()
spine = Spine(open_database(sys.argv[1]), clock=clock, ids=Ids(clock.now), actor=Actor("child", False))
labels = WatchedEndpoint(spine, clock).monitoring().labels
print("ready", flush=True)
for n in range(40):
    labels.add("delay", [dict(prediction_id=f"f{{n}}-{{m}}", value=True, observed_at="{_OBSERVED}") for m in range(20)])
"""


def test_labels_find_their_predictions(world: WatchedEndpoint, day: Day) -> None:
    """Each prediction that has a label is judged, with what the model said."""
    labels = world.traffic(day(0), 100)
    monitoring = world.monitoring()

    assert monitoring.labels.add("delay", labels.head(60)) == LabelsAdded(60, 0, 0, 60, 0)
    judged = monitoring.labels.judged("delay").collect()
    assert judged.height == 60
    assert judged.columns == [
        "prediction_id", "time", "model", "variant", "status", "output", "actual", "observed",
    ]  # fmt: skip
    assert judged.sort("prediction_id")["actual"].to_list() == labels["value"].head(60).to_list()
    assert judged["model"].unique().to_list() == ["model:delay@1"]


def test_the_same_file_twice_changes_nothing(world: WatchedEndpoint, day: Day) -> None:
    """Not a row, not a count, not a judged value."""
    labels = world.traffic(day(0), 50)
    monitoring = world.monitoring()
    monitoring.labels.add("delay", labels)
    before = monitoring.labels.judged("delay").sort("prediction_id").collect()

    assert monitoring.labels.add("delay", labels) == LabelsAdded(0, 50, 0, 0, 0)
    assert monitoring.labels.add("delay", pl.concat([labels, labels])).added == 0
    assert monitoring.labels.judged("delay").sort("prediction_id").collect().equals(before)
    assert monitoring.labels.counts("delay") == LabelCounts(50, 50, 0, 0)


def test_the_same_values_without_a_date_change_nothing(world: WatchedEndpoint, day: Day) -> None:
    """Without observed_at a value is news only when it differs from the last one."""
    labels = world.traffic(day(0), 10).drop("observed_at")
    monitoring = world.monitoring()
    monitoring.labels.add("delay", labels)
    world.clock.advance(seconds_s=60)

    assert monitoring.labels.add("delay", labels).added == 0
    turned = labels.with_columns(~pl.col("value"))
    assert monitoring.labels.add("delay", turned).added == 10
    assert (
        monitoring.labels.judged("delay").collect().sort("prediction_id")["actual"].to_list()
        == turned["value"].to_list()
    )


def test_the_latest_observed_value_wins_whatever_came_first(world: WatchedEndpoint, day: Day) -> None:
    """A correction counts, and an older value that arrives afterwards does not undo it; both are kept."""
    world.log.add("delay", [{"prediction_id": "a", "time": day(0)}])
    monitoring = world.monitoring()
    for value, observed in ((False, day(0.2)), (True, day(0.5)), (False, day(0.1))):
        monitoring.labels.add("delay", [{"prediction_id": "a", "value": value, "observed_at": observed}])

    assert monitoring.labels.judged("delay").collect()["actual"].to_list() == [True]
    assert monitoring.labels.counts("delay").labels == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(order=st.permutations(range(6)), cuts=st.lists(st.integers(0, 6), max_size=2))
def test_order_and_batches_do_not_matter(world: WatchedEndpoint, day: Day, order: list[int], cuts: list[int]) -> None:
    """However labels arrive, what counts in the end is the same."""
    endpoint = f"e{len(world.log.frames)}"
    world.log.add(endpoint, [{"prediction_id": f"{endpoint}{n}", "time": day(0)} for n in range(3)])
    labels = [{"prediction_id": f"{endpoint}{n % 3}", "value": n, "observed_at": day(0) + n * HOUR} for n in range(6)]
    monitoring = world.monitoring()
    edges = sorted({0, *cuts, 6})
    for start, end in itertools.pairwise(edges):
        monitoring.labels.add(endpoint, [labels[place] for place in order[start:end]])

    assert monitoring.labels.judged(endpoint).collect().sort("prediction_id")["actual"].to_list() == [3, 4, 5]


def test_unmatched_labels_are_tried_again(world: WatchedEndpoint, day: Day) -> None:
    """A label that comes before its prediction is in the log waits, and is joined when the prediction is there."""
    monitoring = world.monitoring()
    added = monitoring.labels.add("delay", [{"prediction_id": "late", "value": True, "observed_at": day(0.4)}])
    assert (added.matched, added.waiting) == (0, 1)
    assert monitoring.labels.counts("delay") == LabelCounts(1, 0, 1, 0)

    world.log.add("delay", [{"prediction_id": "late", "time": day(0.3)}])
    assert monitoring.labels.retry(world.clock.now()) == 0  # not yet: it was tried a moment ago
    assert monitoring.labels.retry(world.clock.now() + timedelta(minutes=1)) == 1
    assert monitoring.labels.counts("delay") == LabelCounts(1, 1, 0, 0)
    assert monitoring.labels.judged("delay").collect().height == 1


def test_a_label_without_prediction_is_given_up_and_counted(world: WatchedEndpoint, day: Day) -> None:
    """It is tried ever more rarely, and after the label window stays unmatched."""
    world.policy = Policy(label_window=2 * DAY)
    monitoring = world.monitoring()
    monitoring.labels.add("delay", [{"prediction_id": "never", "value": True}])
    start, tries = world.clock.now(), 0
    for minute in range(0, 4 * 24 * 60, 10):
        scans = world.log.scans
        monitoring.labels.retry(start + timedelta(minutes=minute))
        tries += world.log.scans > scans

    assert 5 <= tries <= 15
    assert monitoring.labels.counts("delay") == LabelCounts(1, 0, 0, 1)


def test_entities_are_matched_as_of_the_event(world: WatchedEndpoint, day: Day) -> None:
    """The latest prediction for that entity at or before the event; keys beside the features and among them."""
    world.log.add(
        "delay",
        [
            {"prediction_id": "early", "time": day(0), "entity": '{"flight":17}'},
            {"prediction_id": "right", "time": day(0.1), "entity": '{"flight":17}'},
            {"prediction_id": "after", "time": day(0.3), "entity": '{"flight":17}'},
            {"prediction_id": "other", "time": day(0.1), "entity": '{"flight":18}'},
            {"prediction_id": "place", "time": day(0.1), "entity": '{"flight":17}', "features": {"origin": "JFK"}},
        ],
    )
    monitoring = world.monitoring()
    added = monitoring.labels.add(
        "delay",
        [
            {"flight": 17, "origin": "EWR", "event_time": day(0.2), "value": True, "observed_at": day(0.5)},
            {"flight": 18, "origin": "EWR", "event_time": day(0.1), "value": False, "observed_at": day(0.5)},
            {"flight": 99, "origin": "EWR", "event_time": day(0.1), "value": False, "observed_at": day(0.5)},
        ],
    )

    assert (added.matched, added.waiting) == (2, 1)
    judged = monitoring.labels.judged("delay").collect()
    assert dict(judged.select("prediction_id", "actual").iter_rows()) == {"right": True, "other": False}


def test_an_old_prediction_for_an_entity_is_none(world: WatchedEndpoint, day: Day) -> None:
    """Last year's prediction is not about this year's event."""
    world.policy = Policy(label_window=7 * DAY)
    world.log.add("delay", [{"prediction_id": "old", "time": day(-30), "entity": '{"customer":"x"}'}])
    added = world.monitoring().labels.add("delay", [{"customer": "x", "event_time": day(0), "value": 1.5}])

    assert added.waiting == 1


def test_labels_months_after_the_prediction_are_found(world: WatchedEndpoint, day: Day) -> None:
    """The log is read back as far as the label window says, not only the last days."""
    world.log.add("delay", [{"prediction_id": f"p{days}", "time": day(-days)} for days in (0, 3, 20, 80)])
    labels = [{"prediction_id": f"p{days}", "value": True, "observed_at": day(0.4)} for days in (0, 3, 20, 80)]

    assert world.monitoring().labels.add("delay", labels).matched == 4


def test_shadows_and_errors_are_not_judged(world: WatchedEndpoint, day: Day) -> None:
    """Nobody got those answers."""
    states = ("ok", "warned", "fallback", "error", "shadow")
    world.log.add("delay", [{"prediction_id": state, "time": day(0), "status": state} for state in states])
    monitoring = world.monitoring()
    monitoring.labels.add("delay", [{"prediction_id": state, "value": True} for state in states])

    assert set(monitoring.labels.judged("delay").collect()["prediction_id"]) == {"ok", "warned", "fallback"}


def test_rows_without_a_value_are_counted(world: WatchedEndpoint, day: Day) -> None:
    """A cancelled flight has no outcome: that is no error and no label."""
    world.log.add("delay", [{"prediction_id": name, "time": day(0)} for name in "abc"])
    frame = pl.DataFrame({"prediction_id": ["a", "b", "c"], "value": [1.0, None, float("nan")]})

    added = world.monitoring().labels.add("delay", frame)
    assert (added.added, added.empty) == (1, 2)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ([{"prediction_id": "a"}], "lack value"),
        ([{"value": 1}], "lack event_time and an entity key"),
        ([{"value": 1, "flight": 17}], "lack event_time"),
        ([{"value": [1], "prediction_id": "a"}], "the values are List"),
        ([{"value": 1, "prediction_id": None}, {"value": 1, "prediction_id": "b"}], "1 rows have no prediction_id"),
        ([{"value": 1, "prediction_id": "a", "observed_at": "soon"}], "holds no instants"),
        ([{"value": 1, "prediction_id": "a", "observed_at": None}], "have no observed_at"),
        ([{"value": 1, "flight": [1], "event_time": "2013-05-01T00:00:00Z"}], "entity key 'flight' is a List"),
        (17, "no table"),
    ],
)
def test_frames_that_cannot_be_used_are_refused_whole(world: WatchedEndpoint, frame: Any, said: str) -> None:
    """One sentence that says what is wrong, and nothing is taken."""
    monitoring = world.monitoring()
    with pytest.raises(BadInput, match=said):
        monitoring.labels.add("delay", frame)

    assert monitoring.labels.counts("delay").labels == 0


def test_times_may_be_texts_or_without_a_zone(world: WatchedEndpoint, day: Day) -> None:
    """As they come out of a CSV file: ISO text; without a zone it is UTC."""
    world.log.add("delay", [{"prediction_id": name, "time": day(0)} for name in "ab"])
    monitoring = world.monitoring()
    monitoring.labels.add("delay", [{"prediction_id": "a", "value": True, "observed_at": "2026-11-23T10:00:00+02:00"}])
    naive = day(0.5).replace(tzinfo=None)
    monitoring.labels.add("delay", pl.DataFrame({"prediction_id": ["b"], "value": [True], "observed_at": [naive]}))

    observed = dict(monitoring.labels.judged("delay").collect().select("prediction_id", "observed").iter_rows())
    assert observed["a"] == day(0) + 8 * HOUR
    assert observed["b"] == day(0.5)


def test_no_log_yet(world: WatchedEndpoint) -> None:
    """Labels before the first prediction wait; there is nothing to judge."""
    monitoring = world.monitoring()

    assert monitoring.labels.add("delay", [{"prediction_id": "a", "value": 1}]).waiting == 1
    assert monitoring.labels.judged("delay").collect().is_empty()


def test_two_writers_with_the_same_labels(world: WatchedEndpoint, day: Day) -> None:
    """Each label is kept once, and both are told the truth."""
    labels = world.traffic(day(0), 300)
    told: list[LabelsAdded] = []
    threads = [
        threading.Thread(target=lambda: told.append(world.monitoring().labels.add("delay", labels))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one.added for one in told) == 300
    assert sum(one.known for one in told) == 900
    assert world.monitoring().labels.counts("delay") == LabelCounts(300, 300, 0, 0)


def test_a_killed_writer_leaves_whole_frames(world: WatchedEndpoint, database: Database) -> None:
    """Killed at any moment, each frame of labels is there or is not; adding all of them again completes them."""
    rng = random.Random(7)
    frames = [
        [{"prediction_id": f"f{n}-{m}", "value": True, "observed_at": _OBSERVED} for m in range(20)] for n in range(40)
    ]
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", _CHILD, database.url], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0, 0.15))
        child.kill()
        child.wait()
        child.stdout.close()
        counts = world.monitoring().labels.counts("delay")
        assert counts.labels % 20 == 0

    monitoring = world.monitoring()
    for frame in frames:
        monitoring.labels.add("delay", frame)
    assert monitoring.labels.counts("delay").labels == 800


def test_the_judged_field_of_the_output(world: WatchedEndpoint, day: Day) -> None:
    """A name that does not exist is refused with those that do."""
    world.policy = replace(world.policy, output="score")
    labels = world.traffic(day(0), 5)
    monitoring = world.monitoring()
    monitoring.labels.add("delay", labels)

    with pytest.raises(BadInput, match="fields probability and no 'score'"):
        monitoring.labels.judged("delay")
