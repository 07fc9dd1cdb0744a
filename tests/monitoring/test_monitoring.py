"""A worker that looks at an endpoint: drift, performance, decay, episodes, restarts, several workers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref
from stackcanvas.monitoring import Decay, Live, Look, Policy, Registered, Skew
from stackcanvas.statistics import auc
from stackcanvas.testing.monitoring import DAY, HOUR, WatchedEndpoint

Day = Callable[[float], datetime]
SUBJECT = Ref("deployment", "delay")
DRIFT = Policy(skew=Skew(window=2 * DAY, min_rows=300))
DECAY = Policy(
    skew=None, decay=Decay(metric="auc", worse_by=0.1, window=2 * DAY, min_labels=300), metrics=("auc", "brier")
)


def live_for(world: WatchedEndpoint, day: Day, days: range, *, warm_from: float = 1e9) -> list[Look]:
    """Traffic each day and a tick at its end; from a day on it is warmer."""
    looks = []
    for count in days:
        world.traffic(day(count), 400, warmer=8.0 if count >= warm_from else 0.0)
        world.clock.move_to(day(count + 1))
        looks += world.monitoring().tick(day(count + 1))
    return looks


def test_drift_is_found_once_and_ends_once(world: WatchedEndpoint, day: Day) -> None:
    """A week as in training, a warm week, a week as before: one event at the start, one at the end."""
    world.policy = DRIFT
    live_for(world, day, range(5))
    assert world.events() == []

    live_for(world, day, range(5, 10), warm_from=5)
    assert world.events() == ["drift.found"]
    found = world.spine.events.after(0)[0]
    assert (found.subject, found.payload["model"]) == (SUBJECT, "model:delay@1")
    columns = found.payload["columns"]
    assert isinstance(columns, dict)
    assert next(iter(columns)) == "temp"

    live_for(world, day, range(10, 16))
    assert world.events() == ["drift.found", "drift.ended"]


def test_the_drift_report_names_what_moved(world: WatchedEndpoint, day: Day) -> None:
    """Before the first window there is none; afterwards the last one is at hand, with its history."""
    world.policy = DRIFT
    with pytest.raises(NotFound):
        world.monitoring().drift("delay")
    live_for(world, day, range(4), warm_from=2)
    last = world.monitoring().drift("delay")

    assert (last.start, last.end) == (day(2), day(4))
    assert last.model == Ref("model", "delay", "1")
    assert last.report.drifted_columns == ["temp", "wind"]
    assert last.report.rows_after == 800
    assert [one.end for one in world.monitoring().drift_history("delay")] == [day(4), day(3), day(2), day(1)]


def test_too_little_traffic_judges_nothing(world: WatchedEndpoint, day: Day) -> None:
    """Whatever it looks like."""
    world.policy = replace(DRIFT, skew=Skew(window=2 * DAY, min_rows=5000))
    live_for(world, day, range(3), warm_from=0)

    assert not world.monitoring().drift("delay").report.judged
    assert world.events() == []


def test_a_window_is_looked_at_once(world: WatchedEndpoint, day: Day) -> None:
    """Ticks between the ends of windows read no traffic; a new worker goes on where the last one was."""
    world.policy = DRIFT
    live_for(world, day, range(2), warm_from=0)
    scans = world.log.scans
    for minutes in range(1, 60):
        world.monitoring().tick(day(2) + timedelta(minutes=minutes))

    assert world.log.scans == scans
    assert world.events() == ["drift.found"]


def test_a_new_version_begins_anew(world: WatchedEndpoint, day: Day) -> None:
    """Trained on the warm weather it has not drifted; the cool weather that returns has, for it."""
    world.policy = DRIFT
    live_for(world, day, range(3), warm_from=0)
    model = Ref("model", "delay", "2")
    world.registered[model] = Registered(world.registered[Ref("model", "delay", "1")].profile, {})
    world.live["delay"] = Live("delay", model, day(3))
    live_for(world, day, range(3, 5), warm_from=3)

    # The profile is the same, so the new version has drifted from it, too: that is an episode of its own.
    assert world.events() == ["drift.found", "drift.found"]
    assert [event.payload["model"] for event in world.spine.events.after(0)] == ["model:delay@1", "model:delay@2"]


def test_a_model_without_profile_is_not_judged(world: WatchedEndpoint, day: Day) -> None:
    """There is nothing to compare with."""
    world.policy = DRIFT
    world.registered[Ref("model", "delay", "1")] = Registered()
    live_for(world, day, range(2), warm_from=0)

    assert world.events() == []
    assert world.monitoring().drift_history("delay") == []


def test_performance_is_measured_when_labels_come(world: WatchedEndpoint, day: Day) -> None:
    """The metrics of a window are those of its labelled rows, with how many there were."""
    world.policy = DECAY
    labels = world.traffic(day(0), 1000)
    world.monitoring().labels.add("delay", labels.head(400))
    world.monitoring().tick(day(1))
    found = {one.metric: one for one in world.monitoring().performance("delay")}

    judged = world.monitoring().labels.judged("delay").collect()
    assert found["auc"].value == pytest.approx(auc(judged["actual"], judged["output"]))
    assert (found["auc"].labels, found["auc"].predictions) == (400, 1000)
    assert found.keys() == {"auc", "brier"}


def test_late_labels_are_joined(world: WatchedEndpoint, day: Day) -> None:
    """Labels that come days later change the window that they belong to, at the end of the next one."""
    world.policy = DECAY
    labels = world.traffic(day(0), 1000)
    monitoring = world.monitoring()
    monitoring.labels.add("delay", labels.head(400))
    monitoring.tick(day(1))
    monitoring.labels.add("delay", labels.tail(600))
    monitoring.tick(day(1) + HOUR)
    assert {one.labels for one in monitoring.performance("delay", metric="auc")} == {400}

    monitoring.tick(day(2))
    by_end = {one.end: one for one in monitoring.performance("delay", metric="auc")}
    judged = monitoring.labels.judged("delay").collect()
    assert [by_end[day(count)].labels for count in (1, 2)] == [1000, 1000]
    assert by_end[day(1)].value == pytest.approx(auc(judged["actual"], judged["output"]))
    monitoring.labels.add("delay", labels)  # nothing new: nothing is measured again
    monitoring.tick(day(3))
    assert by_end[day(1)] in monitoring.performance("delay", metric="auc")


def test_decay_is_found_once_with_its_figures(world: WatchedEndpoint, day: Day) -> None:
    """The scores lose their meaning: the AUC falls below its bound, and that is told once."""
    world.policy = DECAY
    for count in range(8):
        labels = world.traffic(day(count), 500, skill=1.0 if count < 3 else 0.0)
        world.monitoring().labels.add("delay", labels)
        world.clock.move_to(day(count + 1))
        world.monitoring().tick(day(count + 1))

    assert world.events("decay.found", "decay.ended") == ["decay.found"]
    payload = world.spine.events.after(0, names=["decay.found"])[0].payload
    assert (payload["metric"], payload["at_least"], payload["at_most"]) == ("auc", 0.65, None)
    assert isinstance(payload["value"], float)
    assert payload["value"] < 0.65
    conditions = {one.name: one for one in world.monitoring().conditions("delay")}
    assert conditions["decay"].firing


def test_few_labels_are_no_decay(world: WatchedEndpoint, day: Day) -> None:
    """With fewer labels than the policy asks for nothing is judged."""
    world.policy = DECAY
    labels = world.traffic(day(0), 1000, skill=0.0)
    world.monitoring().labels.add("delay", labels.head(299))
    world.monitoring().tick(day(1))

    assert world.events("decay.found") == []


def test_versions_are_measured_apart_and_fallbacks_are_not(world: WatchedEndpoint, day: Day) -> None:
    """Two versions share the traffic; what a fallback answered counts for none."""
    world.policy = DECAY
    first = world.traffic(day(0), 300)
    second = world.traffic(day(0), 300, model="model:delay@2")
    third = world.traffic(day(0), 300, status="fallback")
    monitoring = world.monitoring()
    monitoring.labels.add("delay", pl.concat([first, second, third]))
    monitoring.tick(day(1))

    found = monitoring.performance("delay", metric="auc")
    assert [(str(one.model), one.labels) for one in found] == [("model:delay@1", 300), ("model:delay@2", 300)]


def test_a_window_of_one_class_has_no_auc(world: WatchedEndpoint, day: Day) -> None:
    """Its value is NaN, which is stored as it is and judged as nothing."""
    world.policy = DECAY
    labels = world.traffic(day(0), 500).with_columns(value=pl.lit(value=False))
    monitoring = world.monitoring()
    monitoring.labels.add("delay", labels)
    monitoring.tick(day(1))
    found = {one.metric: one.value for one in monitoring.performance("delay")}

    assert found["auc"] != found["auc"]
    assert 0 < found["brier"] < 1
    assert world.events("decay.found") == []


def test_a_pause_of_the_worker_skips_to_the_last_window(world: WatchedEndpoint, day: Day) -> None:
    """After a week's stand-still the window that is due now is looked at, not seven old ones."""
    world.policy = DRIFT
    live_for(world, day, range(1))
    for count in range(1, 8):
        world.traffic(day(count), 400)
    world.monitoring().tick(day(8))

    assert [one.end for one in world.monitoring().drift_history("delay")] == [day(8), day(1)]


def test_several_workers_look_once(world: WatchedEndpoint, day: Day) -> None:
    """Four at the same moment: one window, one event, one record."""
    world.policy = DRIFT
    world.traffic(day(0), 800, warmer=8.0)
    world.clock.move_to(day(1))
    threads = [threading.Thread(target=lambda: world.monitoring().tick(day(1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world.events() == ["drift.found"]
    assert len(world.monitoring().drift_history("delay")) == 1
    assert len(world.spine.executions.search(kind="monitoring.look")) == 1


def test_each_look_is_a_record(world: WatchedEndpoint, day: Day) -> None:
    """It used the model, is about the deployment, and is done."""
    world.policy = DRIFT
    live_for(world, day, range(1))
    execution = world.spine.executions.search(kind="monitoring.look")[0]

    assert (execution.state, execution.subject) == ("done", SUBJECT)
    assert [(str(edge.ref), edge.direction) for edge in world.spine.lineage.of(execution.id)] == [
        ("model:delay@1", "used")
    ]


def test_what_fails_at_one_endpoint_does_not_hide_another(world: WatchedEndpoint, day: Day) -> None:
    """The error is raised after every endpoint was looked at."""
    world.policy = Policy(skew=Skew(window=DAY, min_rows=100), decay=Decay(metric="auc", worse_by=0.1, min_labels=100))
    world.registered[Ref("model", "broken", "1")] = Registered(None, {})
    world.live["broken"] = Live("broken", Ref("model", "broken", "1"), day(0))
    labels = world.traffic(day(0), 400, warmer=8.0)
    rows = world.log.frames["delay"][0].with_columns(endpoint=pl.lit("broken"), model=pl.lit("model:broken@1"))
    world.log.frames["broken"] = [rows]
    world.monitoring().labels.add("broken", labels)
    world.clock.move_to(day(1))

    with pytest.raises(BadInput, match="registered without 'auc'"):
        world.monitoring().tick(day(1))
    assert [event.subject.name for event in world.spine.events.after(0, names=["drift.found"])] == ["delay"]


def test_nothing_is_live(world: WatchedEndpoint, day: Day) -> None:
    """No endpoint, no look."""
    world.live.clear()

    assert world.monitoring().tick(day(1)) == []


def test_no_traffic_at_all(world: WatchedEndpoint, day: Day) -> None:
    """An endpoint that nobody has asked yet is looked at without harm."""
    world.policy = replace(DECAY, skew=DRIFT.skew)

    assert world.monitoring().tick(day(1)) == [Look("delay")]
    assert world.monitoring().tick(day(2)) == [Look("delay")]
