"""The same on PostgreSQL: labels, windows, episodes, alerts, incidents; several workers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from stackcanvas.backends.database import open_database
from stackcanvas.clock import ManualClock
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Ref, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.monitoring import Decay, LabelCounts, LabelsAdded, Policy, Rule, Skew
from stackcanvas.stack.tables import load
from stackcanvas.testing.monitoring import DAY, WatchedEndpoint


def test_a_day_is_the_same_on_postgresql(
    postgres_url: str, clock: ManualClock, day: Callable[[float], datetime]
) -> None:
    """Late and corrected labels, a window of one class, four workers that look at the same moment."""
    database = open_database(postgres_url)
    prepare(database, load)
    world = WatchedEndpoint(Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"), wall=clock), clock)
    world.deploy()
    world.channels = {"desk": "log:"}
    world.policy = Policy(
        skew=Skew(window=DAY, min_rows=300),
        decay=Decay(metric="auc", at_least=0.7, window=DAY, min_labels=300),
        rules=(Rule(name="silent", metric="predictions", below=1, severity="critical"),),
    )
    labels = world.traffic(day(0), 600, warmer=8.0, skill=0.0)
    monitoring = world.monitoring()
    told: list[LabelsAdded] = []
    _together(lambda: told.append(world.monitoring().labels.add("delay", labels)))
    assert (sum(one.added for one in told), monitoring.labels.counts("delay")) == (600, LabelCounts(600, 600, 0, 0))
    assert monitoring.labels.add("delay", [{"prediction_id": "unknown", "value": 1.5}]).waiting == 1
    assert monitoring.labels.retry(clock.now() + timedelta(hours=1)) == 0

    clock.move_to(day(1) + timedelta(hours=1))
    _together(lambda: world.monitoring().tick(clock.now()))
    assert sorted(world.events()) == ["alert.fired", "decay.found", "drift.found", "incident.opened"]
    assert monitoring.drift("delay").report.drifted_columns == ["temp", "wind"]
    assert [one.labels for one in monitoring.performance("delay", metric="auc")] == [600]

    world.traffic(day(1), 10, over=timedelta(hours=2))
    monitoring.labels.add("delay", labels.with_columns(value=pl.lit(value=True), observed_at=pl.lit(day(1.5))))
    clock.move_to(day(2))
    world.policy = Policy(skew=None, metrics=("auc",))
    monitoring.tick(clock.now())
    alert = monitoring.alerts()[0]
    assert alert.resolved == day(2)
    assert {one.state for one in monitoring.deliveries(alert.id)} == {"sent"}
    assert monitoring.incidents.ls("delay")[0].closed_by == "fix"
    by_end = {one.end: one.value for one in monitoring.performance("delay", model=Ref("model", "delay", "1"))}
    assert by_end[day(1)] != by_end[day(1)]  # all labels say the same now: there is no AUC
    database.close()


def _together(work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
