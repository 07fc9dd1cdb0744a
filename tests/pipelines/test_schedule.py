from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from stackcanvas.clock import ManualClock
from stackcanvas.metadata import Ref, Spine
from stackcanvas.pipelines import PipelineRun, Scheduler, Trigger
from stackcanvas.pipelines.run import RunRecords
from stackcanvas.pipelines.tables import pipeline_run


def emit(spine: Spine, name: str, subject: str) -> None:
    """Something happens."""
    with spine.write() as tx:
        spine.events.emit(tx, name, Ref.parse(subject))


@pytest.fixture
def records(spine: Spine, clock: ManualClock) -> RunRecords:
    """The records of runs."""
    return RunRecords(spine, wall=clock)


@pytest.fixture
def schedule(spine: Spine, records: RunRecords) -> Callable[..., Scheduler]:
    """A scheduler over these triggers."""

    def make(*triggers: Trigger) -> Scheduler:
        return Scheduler(spine, records, triggers=lambda: triggers)

    return make


def queued(records: RunRecords) -> list[PipelineRun]:
    """The runs that wait, the oldest first."""
    return records.ls(state="queued")[::-1]


def test_an_event_fires_each_trigger_that_waits_for_it_once(
    spine: Spine, records: RunRecords, clock: ManualClock, schedule: Callable[..., Scheduler]
) -> None:
    """With the parameters of the trigger, and the event as the reason."""
    scheduler = schedule(
        Trigger("train", on="data.committed data:flights", parameters={"depth": 3}),
        Trigger("report", on="data.committed"),
        Trigger("other", on="drift.found"),
    )
    scheduler.tick(clock.now())
    emit(spine, "data.committed", "data:flights@4")

    first, second = scheduler.tick(clock.now()), scheduler.tick(clock.now())

    assert (len(first), second) == (2, [])
    assert [(run.pipeline, run.trigger, run.parameters) for run in queued(records)] == [
        ("train", "data.committed data:flights@4", {"depth": 3}),
        ("report", "data.committed data:flights@4", {}),
    ]


def test_a_trigger_begins_with_what_happens_after_it_was_first_seen(
    spine: Spine, records: RunRecords, clock: ManualClock, schedule: Callable[..., Scheduler]
) -> None:
    """A new line in the canvas does not fire for the past; one that was away fires for what it missed."""
    emit(spine, "drift.found", "deployment:delay")
    old = Trigger("train", on="drift.found")
    schedule(old).tick(clock.now())
    schedule().tick(clock.now())
    emit(spine, "drift.found", "deployment:delay")
    schedule(old, Trigger("new", on="drift.found"), Trigger("nightly", cron="0 3 * * *")).tick(clock.now())

    assert [run.pipeline for run in queued(records)] == ["train"]


def test_a_schedule_fires_once_a_slot_and_missed_slots_are_one(
    records: RunRecords, clock: ManualClock, schedule: Callable[..., Scheduler]
) -> None:
    """Whatever the pace of the ticks."""
    scheduler = schedule(Trigger("train", cron="0 * * * *"))
    scheduler.tick(clock.now())
    fired = []
    for minutes in (30, 29, 1, 1, 59, 600, 1):
        clock.advance(seconds_s=60 * minutes)
        fired.append(len(scheduler.tick(clock.now())))

    assert fired == [0, 0, 1, 0, 1, 1, 0]
    assert queued(records)[0].trigger == "cron 2026-11-23T10:00:00+00:00"


def test_a_clock_that_goes_back_fires_nothing_twice(clock: ManualClock, schedule: Callable[..., Scheduler]) -> None:
    """As a restored machine's may."""
    scheduler = schedule(Trigger("train", cron="0 * * * *"))
    start = clock.now()
    scheduler.tick(start)

    assert len(scheduler.tick(start + timedelta(hours=2))) == 1
    assert scheduler.tick(start + timedelta(hours=1)) == []
    assert scheduler.tick(start + timedelta(hours=2)) == []


def test_a_clock_that_jumps_neither_loses_slots_in_silence_nor_runs_them_twice(
    spine: Spine, records: RunRecords, clock: ManualClock, schedule: Callable[..., Scheduler]
) -> None:
    """Five hours forward by mistake: one run and word of the others. Set right again: each of them when it is due."""
    scheduler = schedule(Trigger("train", cron="0 * * * *"))
    start = clock.now()
    scheduler.tick(start)
    assert len(scheduler.tick(start + timedelta(hours=5, minutes=1))) == 1
    (told,) = spine.events.latest(names=["slots.missed"])
    assert (str(told.subject), told.payload["slots"]) == ("pipeline:train", 4)
    assert told.payload["first"] == "2026-11-23T10:00:00+00:00"

    fired = [len(scheduler.tick(start + timedelta(minutes=minute))) for minute in range(1, 400, 3)]

    assert sum(fired) == 5
    slots = sorted(run.trigger for run in queued(records))
    assert slots == [f"cron 2026-11-23T{hour}:00:00+00:00" for hour in range(10, 16)]
    assert len(spine.events.latest(names=["slots.missed"])) == 1


def test_schedulers_beside_each_other_fire_each_event_and_slot_once(
    spine: Spine, records: RunRecords, clock: ManualClock
) -> None:
    """Four of them, without a lease."""
    triggers = [Trigger("train", on="data.committed"), Trigger("nightly", cron="*/10 * * * *")]
    schedulers = [Scheduler(spine, records, triggers=lambda: triggers) for _ in range(4)]
    schedulers[0].tick(clock.now())
    start = clock.now()
    for number in range(30):
        emit(spine, "data.committed", f"data:flights@{number}")

    def tick(scheduler: Scheduler) -> None:
        for minute in range(0, 60, 5):
            scheduler.tick(start + timedelta(minutes=minute))

    threads = [threading.Thread(target=tick, args=(scheduler,)) for scheduler in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with spine.read() as connection:
        causes = connection.execute(select(pipeline_run.c.pipeline, pipeline_run.c.cause)).all()
    assert len(set(causes)) == len(causes)
    assert sorted(pipeline for pipeline, _ in causes).count("train") == 30
    assert 1 <= sorted(pipeline for pipeline, _ in causes).count("nightly") <= 5


def test_runs_of_a_pipeline_wait_for_each_other(
    spine: Spine, records: RunRecords, clock: ManualClock, schedule: Callable[..., Scheduler]
) -> None:
    """One at a time unless the trigger allows more; other pipelines do not wait."""
    scheduler = schedule(
        Trigger("train", on="data.committed"), Trigger("report", on="data.committed", concurrency=None)
    )
    scheduler.tick(clock.now())
    for number in (1, 2):
        emit(spine, "data.committed", f"data:flights@{number}")
        clock.advance(seconds_s=1)
        scheduler.tick(clock.now())

    claimed: list[str] = []
    with spine.write() as tx:
        while (run_id := records.claim(tx, f"host/1/1#{len(claimed)}")) is not None:
            claimed.append(run_id)
    assert sorted(records.get(run_id).pipeline for run_id in claimed) == ["report", "report", "train"]

    (train,) = [run_id for run_id in claimed if records.get(run_id).pipeline == "train"]
    with spine.write() as tx:
        records.end(tx, train, "failed")
        following = records.claim(tx, "host/1/1#x")
    assert records.get(str(following)).trigger == "data.committed data:flights@2"
