from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.errors import Conflict, NotFound
from stackcanvas.metadata import CodeState, Spine, processes
from stackcanvas.pipelines import RunFailed
from stackcanvas.pipelines.run import LEASE_S, RunRecords, new_holder


@pytest.fixture
def records(spine: Spine, clock: ManualClock) -> RunRecords:
    """The records of runs."""
    return RunRecords(spine, wall=clock)


def add(spine: Spine, records: RunRecords, *, queued: bool = True, concurrency: int | None = None) -> str:
    """A run that waits."""
    with spine.write() as tx:
        return str(records.add(tx, "train", parameters={}, trigger="manual", queued=queued, concurrency=concurrency))


def claim(spine: Spine, records: RunRecords, holder: str) -> str | None:
    """The next run for a holder."""
    with spine.write() as tx:
        return records.claim(tx, holder)


def test_runs_are_claimed_in_order_and_by_one(spine: Spine, records: RunRecords) -> None:
    """The oldest first."""
    first, second = add(spine, records), add(spine, records)
    holders = [new_holder(spine) for _ in range(3)]

    assert [claim(spine, records, holder) for holder in holders] == [first, second, None]
    assert records.get(first).state == "running"


def test_a_run_whose_holder_is_late_is_free(spine: Spine, records: RunRecords, clock: ManualClock) -> None:
    """Another takes it over, and the old holder learns of it."""
    run_id = add(spine, records)
    old, new = "elsewhere/1/1#a", "elsewhere/2/2#b"
    assert claim(spine, records, old) == run_id
    clock.advance(seconds_s=LEASE_S - 1)
    with spine.write() as tx:
        assert records.renew(tx, run_id, old)
    assert claim(spine, records, new) is None
    clock.advance(seconds_s=LEASE_S - 1)
    assert claim(spine, records, new) is None
    clock.advance(seconds_s=1)

    assert claim(spine, records, new) == run_id
    with spine.write() as tx:
        assert not records.renew(tx, run_id, old)
        assert records.renew(tx, run_id, new)


def test_a_clock_that_is_ahead_takes_no_run(spine: Spine, clock: ManualClock) -> None:
    """A worker of another machine whose clock is hours off must have seen the holder be silent."""
    off = ManualClock(clock.now() + timedelta(hours=5))
    here, there = RunRecords(spine, wall=clock), RunRecords(spine, wall=off)
    run_id, holder = add(spine, here), "elsewhere/1/1#a"
    assert claim(spine, here, holder) == run_id

    for _ in range(10):
        off.advance(seconds_s=LEASE_S - 1)
        assert claim(spine, there, "here/1/1#b") is None
        clock.advance(seconds_s=1)
        with spine.write() as tx:
            assert here.renew(tx, run_id, holder)

    assert claim(spine, there, "here/1/1#b") is None
    off.advance(seconds_s=LEASE_S)
    assert claim(spine, there, "here/1/1#b") == run_id


def test_a_run_whose_process_has_died_is_free_at_once(spine: Spine, records: RunRecords) -> None:
    """On the same host nobody waits for the lease."""
    run_id = add(spine, records)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    holder = f"{processes.mark(child.pid)}#a"
    assert claim(spine, records, holder) == run_id
    assert claim(spine, records, new_holder(spine)) is None
    child.kill()
    child.wait()

    assert claim(spine, records, new_holder(spine)) == run_id


def test_a_run_that_a_person_started_is_not_taken_over(spine: Spine, records: RunRecords, clock: ManualClock) -> None:
    """They may have meant to end it; they resume it themselves."""
    run_id = add(spine, records, queued=False)
    with spine.write() as tx:
        records.take(tx, run_id, "elsewhere/1/1#a")
    clock.advance(seconds_s=LEASE_S + 1)

    assert claim(spine, records, new_holder(spine)) is None
    with spine.write() as tx:
        records.take(tx, run_id, new_holder(spine))


def test_a_run_that_goes_on_or_has_ended_is_not_taken(spine: Spine, records: RunRecords) -> None:
    """The sentence says who has it, or what to do instead."""
    run_id = add(spine, records)
    claim(spine, records, new_holder(spine))

    with pytest.raises(Conflict, match="is being executed by process"), spine.write() as tx:
        records.take(tx, run_id, new_holder(spine))
    with spine.write() as tx:
        records.end(tx, run_id, "finished")
    with pytest.raises(Conflict, match="stackcanvas run train"), spine.write() as tx:
        records.take(tx, run_id, new_holder(spine))
    with pytest.raises(NotFound), spine.write() as tx:
        records.take(tx, "nothing", new_holder(spine))


def test_concurrency_counts_runs_that_others_started(spine: Spine, records: RunRecords) -> None:
    """A run by hand keeps a triggered one waiting."""
    by_hand = add(spine, records, queued=False)
    with spine.write() as tx:
        records.take(tx, by_hand, new_holder(spine))
    waiting = add(spine, records, concurrency=1)
    assert claim(spine, records, new_holder(spine)) is None
    with spine.write() as tx:
        records.end(tx, by_hand, "finished")

    assert claim(spine, records, new_holder(spine)) == waiting


def test_one_cause_causes_one_run(spine: Spine, records: RunRecords) -> None:
    """Runs without a cause are never the same."""
    with spine.write() as tx:
        made = [
            records.add(tx, "train", parameters={}, trigger="event", cause=cause) for cause in ("a", "a", None, None)
        ]

    assert made[1] is None
    assert len(records.ls()) == 3


def test_a_queued_run_can_be_cancelled(spine: Spine, records: RunRecords) -> None:
    """One that has started cannot."""
    first, second = add(spine, records), add(spine, records)
    with spine.write() as tx:
        records.cancel(tx, first)

    assert claim(spine, records, new_holder(spine)) == second
    assert records.get(first).state == "cancelled"
    with pytest.raises(Conflict, match="is running"), spine.write() as tx:
        records.cancel(tx, second)


def test_the_first_start_of_a_run_stands(spine: Spine, records: RunRecords, clock: ManualClock) -> None:
    """Its end is that of the last."""
    run_id = add(spine, records)
    start = clock.now()
    for _ in range(2):
        with spine.write() as tx:
            records.begin(tx, run_id, code=CodeState("c0ffee", dirty=False), parameters={}, pins={})
        clock.advance(seconds_s=5)
    with spine.write() as tx:
        records.end(tx, run_id, "failed", error="no rows")

    run = records.get(run_id)
    assert (run.started, run.duration_s) == (start, 10.0)
    assert run.code == CodeState("c0ffee", dirty=False)
    with pytest.raises(RunFailed, match="no rows"):
        run.check()


def test_a_run_by_hand_whose_process_died_keeps_nobody_waiting(
    spine: Spine, records: RunRecords, clock: ManualClock
) -> None:
    """It is told apart from one that goes on."""
    by_hand, waiting = add(spine, records, queued=False), add(spine, records, concurrency=1)
    with spine.write() as tx:
        records.take(tx, by_hand, "elsewhere/1/1#a")
    assert claim(spine, records, new_holder(spine)) is None
    with spine.read() as connection:
        assert records.dead(connection) == []
    clock.advance(seconds_s=LEASE_S)

    with spine.read() as connection:
        assert [run.id for run in records.dead(connection)] == [by_hand]
    assert claim(spine, records, new_holder(spine)) == waiting
