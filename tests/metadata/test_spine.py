"""The spine: what is recorded is found again, and what fails is recorded as failed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from stackcanvas.backends.database import Database
from stackcanvas.clock import ManualClock, SteadyClock, SystemClock
from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.metadata import Ref, Spine, current, processes
from stackcanvas.metadata.leases import LeaseLost, Leases
from stackcanvas.metadata.tables import audit

FLIGHTS = Ref.parse("data:flights@3")
DELAY = Ref.parse("model:delay@1")


def test_work_is_recorded_with_what_it_used_and_made(spine: Spine, clock: ManualClock) -> None:
    """Start, end, actor, code, parameters and links stand in the record."""
    with spine.record("registry.register", subject=DELAY, parameters={"depth": 6}) as work:
        clock.advance(seconds_s=2.5)
        work.used(FLIGHTS, "training")
        work.made(DELAY)

    found = spine.executions.get(work.id)

    assert (found.kind, found.state, found.subject) == ("registry.register", "done", DELAY)
    assert (found.trigger, found.actor, found.verified, found.duration_s) == ("manual", "ada", True, 2.5)
    assert (found.code.commit, found.parameters, found.error) == ("c0ffee" * 6 + "c0ff", {"depth": 6}, None)
    assert [str(ref) for ref in spine.lineage.upstream(DELAY).refs] == ["model:delay@1", "data:flights@3"]
    assert [str(ref) for ref in spine.lineage.downstream(FLIGHTS).refs] == ["data:flights@3", "model:delay@1"]


def test_an_error_is_recorded_and_goes_on(spine: Spine) -> None:
    """The sentence of the error stands in the record; nothing it said it made is kept."""
    with pytest.raises(BadInput), spine.record("data.commit") as work:
        work.made(FLIGHTS)
        raise BadInput("the file is empty", where="flights.csv")

    found = spine.executions.get(work.id)

    assert (found.state, found.error) == ("failed", "flights.csv: the file is empty.")


def test_an_interrupt_is_a_cancellation(spine: Spine) -> None:
    """A person who stops the work has not failed at it."""
    with pytest.raises(KeyboardInterrupt), spine.record("pipeline.run") as work:
        raise KeyboardInterrupt

    assert spine.executions.get(work.id).state == "cancelled"


def test_the_end_belongs_to_the_blocks_own_transaction(spine: Spine) -> None:
    """A transaction that fails takes the end of the work back with it."""
    with pytest.raises(RuntimeError), spine.record("data.commit", subject=FLIGHTS) as work, spine.write() as tx:
        work.made(FLIGHTS)
        spine.artifacts.add(tx, FLIGHTS, digest="d", execution=work.id)
        spine.events.emit(tx, "data.committed", FLIGHTS)
        work.finish(tx)
        raise RuntimeError

    assert spine.executions.get(work.id).state == "failed"
    assert spine.artifacts.get(FLIGHTS) is None
    assert spine.events.after(0) == []
    assert spine.lineage.upstream(FLIGHTS).executions == ()


def test_what_is_done_stays_done_when_a_later_line_fails(spine: Spine) -> None:
    """An error after the commit does not unmake what was committed."""
    with pytest.raises(RuntimeError), spine.record("data.commit") as work:
        work.made(FLIGHTS)
        with spine.write() as tx:
            work.finish(tx)
        raise RuntimeError

    assert spine.executions.get(work.id).state == "done"
    assert len(spine.lineage.upstream(FLIGHTS).executions) == 1


def test_work_cannot_be_finished_twice(spine: Spine) -> None:
    """The second finish is a mistake of the caller."""
    with spine.record("data.commit") as work:
        with spine.write() as tx:
            work.finish(tx)
        with pytest.raises(Conflict), spine.write() as tx:
            work.finish(tx)


def test_work_inside_work_is_its_child_and_has_its_trigger(spine: Spine) -> None:
    """A training set that a pipeline makes belongs to the pipeline's run."""
    with spine.record("pipeline.run", trigger="drift.found deployment:delay") as run:
        assert current() is run
        with spine.record("features.training_set") as made:
            pass

    child = spine.executions.get(made.id)

    assert current() is None
    assert (child.parent, child.trigger) == (run.id, "drift.found deployment:delay")
    assert spine.executions.search(parent=run.id) == [child]


def test_an_execution_whose_process_died_is_found_lost(spine: Spine) -> None:
    """A record that a killed process left behind does not run for ever; a live one is left alone."""
    dead = f"{processes.own().split('/')[0]}/4194300/7"
    with spine.write() as tx:
        lost = spine.executions.start(tx, "a" * 32, "pipeline.run", code=spine.code(), process=dead)
    with spine.record("pipeline.run") as live:
        reaped = spine.executions.reap()

    assert reaped == [lost.id]
    assert spine.executions.get(lost.id).state == "lost"
    assert spine.executions.get(live.id).state == "done"


def test_an_unknown_execution_is_not_found(spine: Spine) -> None:
    """Asking for what is not there is a clear no."""
    with pytest.raises(NotFound, match="no execution 'x'"):
        spine.executions.get("x")


def test_lineage_goes_through_many_steps_and_stops_at_a_depth(spine: Spine) -> None:
    """From a model over its training set to the raw data, and no further than asked."""
    training = Ref.parse("data:training@1")
    with spine.record("features.training_set") as first:
        first.used(FLIGHTS)
        first.made(training)
    with spine.record("registry.register") as second:
        second.used(training)
        second.made(DELAY)

    whole = spine.lineage.upstream(DELAY)
    near = spine.lineage.upstream(DELAY, depth=1)

    assert [str(ref) for ref in whole.refs] == ["model:delay@1", "data:training@1", "data:flights@3"]
    assert [found.kind for found in whole.executions] == ["registry.register", "features.training_set"]
    assert [str(ref) for ref in near.refs] == ["model:delay@1", "data:training@1"]
    assert whole.execution(first.id).kind == "features.training_set"


def test_a_circle_in_lineage_ends(spine: Spine) -> None:
    """Work that reads what it once wrote does not make the walk endless."""
    with spine.record("features.materialize") as work:
        work.used(FLIGHTS)
        work.made(FLIGHTS)

    assert [str(ref) for ref in spine.lineage.upstream(FLIGHTS).refs] == ["data:flights@3"]


def test_events_come_in_order_and_cursors_never_go_back(spine: Spine) -> None:
    """A reader gets each event once, by name and by subject if it asks."""
    with spine.write() as tx:
        numbers = [
            spine.events.emit(tx, "data.committed", FLIGHTS, {"rows": 3}),
            spine.events.emit(tx, "drift.found", Ref.parse("deployment:delay")),
        ]
        spine.events.advance(tx, "scheduler", 2)
        spine.events.advance(tx, "scheduler", 1)

    assert numbers == [1, 2]
    assert [event.name for event in spine.events.after(0)] == ["data.committed", "drift.found"]
    assert [event.payload for event in spine.events.after(0, names={"data.committed"})] == [{"rows": 3}]
    assert [event.sequence for event in spine.events.after(0, subject=FLIGHTS)] == [1]
    assert [event.sequence for event in spine.events.latest()] == [2, 1]
    assert (spine.events.cursor("scheduler"), spine.events.cursor("alerts"), spine.events.head()) == (2, 0, 2)


def test_a_rolled_back_event_leaves_no_gap(spine: Spine) -> None:
    """The number of an event that never was is given to the next."""
    with pytest.raises(RuntimeError), spine.write() as tx:
        spine.events.emit(tx, "data.committed", FLIGHTS)
        raise RuntimeError
    with spine.write() as tx:
        assert spine.events.emit(tx, "data.committed", FLIGHTS) == 1


def _audited(spine: Spine, count: int) -> None:
    for number in range(count):
        with spine.write() as tx:
            spine.audit.add(tx, "model.approved", DELAY, {"number": number, "reason": "fügt sich"})


def test_an_untouched_audit_log_verifies(spine: Spine) -> None:
    """Entries, their order and the head agree."""
    _audited(spine, 3)

    assert spine.audit.verify() == []
    assert spine.audit.verify(heads=[spine.audit.head()]) == []
    assert [entry.detail["number"] for entry in spine.audit.entries()] == [2, 1, 0]


@pytest.mark.parametrize("column", ["actor", "detail", "action", "subject", "verified", "previous"])
def test_an_altered_audit_entry_is_found(spine: Spine, column: str) -> None:
    """Whatever of an entry is changed, the entry is named."""
    _audited(spine, 3)
    value = False if column == "verified" else '{"a": 1}'
    with spine.write() as tx:
        tx.execute(update(audit).where(audit.c.sequence == 2).values({column: value}))

    assert 2 in {problem.sequence for problem in spine.audit.verify()}


@pytest.mark.parametrize("removed", [1, 2, 3])
def test_a_removed_audit_entry_is_found(spine: Spine, removed: int) -> None:
    """First, middle or last: a missing entry is named."""
    _audited(spine, 3)
    with spine.write() as tx:
        tx.execute(delete(audit).where(audit.c.sequence == removed))

    assert removed in {problem.sequence for problem in spine.audit.verify()}


def test_a_rewritten_log_differs_from_its_published_head(spine: Spine) -> None:
    """Sealing every entry anew does not help against a head that was published before."""
    _audited(spine, 2)
    head = spine.audit.head()
    with spine.write() as tx:
        tx.execute(delete(audit))
        tx.execute(update(spine.audit.add.__globals__["counters"].counter).values(value=0))
    _audited(spine, 1)
    with spine.write() as tx:
        spine.audit.add(tx, "model.approved", DELAY, {"number": 99})

    assert spine.audit.verify() == []
    assert [problem.what for problem in spine.audit.verify(heads=[head])] == ["differs from the published head"]


def test_a_lease_has_one_holder_until_it_expires(spine: Spine, clock: ManualClock) -> None:
    """The second waits; after the end it gets the lease with a higher fence, and the first has lost it."""
    first = spine.leases.acquire("scheduler", "a", ttl_s=10)
    assert first is not None
    assert spine.leases.acquire("scheduler", "b", ttl_s=10) is None

    clock.advance(seconds_s=10)
    second = spine.leases.acquire("scheduler", "b", ttl_s=10)

    assert second is not None
    assert second.fence > first.fence
    assert spine.leases.renew(first, ttl_s=10) is None
    spine.leases.release(first)
    assert [lease.holder for lease in spine.leases.holders()] == ["b"]


def test_a_lease_is_renewed_and_given_back(spine: Spine, clock: ManualClock) -> None:
    """A holder keeps it as long as it renews; given back, another may have it at once."""
    held = spine.leases.acquire("scheduler", "a", ttl_s=10)
    assert held is not None
    clock.advance(seconds_s=8)
    held = spine.leases.renew(held, ttl_s=10)
    assert held is not None
    clock.advance(seconds_s=8)
    assert spine.leases.acquire("scheduler", "b", ttl_s=10) is None

    spine.leases.release(held)

    with spine.leases.hold("scheduler", "b", ttl_s=10) as other:
        assert other is not None
    assert spine.leases.holders() == []


def test_a_clock_that_jumps_neither_takes_a_lease_nor_keeps_one(database: Database, clock: ManualClock) -> None:
    """Hours forward or back on one machine: who renews keeps it, who is gone loses it once it was seen to be silent."""
    for hours in (7, -7):
        off = ManualClock(clock.now() + timedelta(hours=hours))
        here, there = Leases(database, clock=clock), Leases(database, clock=off)
        held = here.acquire(f"work{hours}", "a", ttl_s=10)
        for _ in range(5):
            assert there.acquire(f"work{hours}", "b", ttl_s=10) is None
            clock.advance(seconds_s=9)
            off.advance(seconds_s=9)
            assert held is not None
            held = here.renew(held, ttl_s=10)
        assert there.acquire(f"work{hours}", "b", ttl_s=10) is None
        off.advance(seconds_s=10)
        assert there.acquire(f"work{hours}", "b", ttl_s=10) is not None


def test_a_clock_set_while_a_process_runs_does_no_harm() -> None:
    """What tells how time goes by counts seconds, and shows about what time it is."""
    steady, system = SteadyClock(), SystemClock()

    before, first = system.now(), steady.now()
    time.sleep(0.02)

    assert abs(first - before) < timedelta(seconds=5)
    assert timedelta(seconds=0.02) <= steady.now() - first < timedelta(seconds=5)


def test_nothing_is_written_under_a_lease_that_was_lost(spine: Spine, clock: ManualClock) -> None:
    """One who was paused and does not know it is told at its next write, and what it began is not half done."""
    held = spine.leases.acquire("scheduler", "a", ttl_s=10)
    assert held is not None
    assert spine.leases.acquire("scheduler", "b", ttl_s=10) is None

    with spine.leases.fenced(held):
        with spine.write() as tx:
            spine.events.emit(tx, "data.committed", DELAY)
        clock.advance(seconds_s=11)
        with ThreadPoolExecutor(1) as another:
            assert another.submit(spine.leases.acquire, "scheduler", "b", ttl_s=10).result() is not None
        with pytest.raises(LeaseLost, match="scheduler was lost to another"), spine.write() as tx:
            spine.events.emit(tx, "data.committed", DELAY)
        with pytest.raises(LeaseLost), spine.record("data.commit"):
            pytest.fail("it began")

    assert spine.events.head() == 1
    with spine.write() as tx:
        assert spine.events.emit(tx, "data.committed", DELAY) == 2


def test_processes_that_live_and_those_that_do_not(spine: Spine, clock: ManualClock) -> None:
    """Overdue is who has not been heard of for a while, and at once who has ended here; the next one tidies up."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = clock.now()
    spine.heartbeats.beat("worker", started=started, process=processes.mark(child.pid))
    spine.heartbeats.beat("worker", started=started, process="elsewhere/7/1", facts={"failing": {}})
    spine.heartbeats.beat("control", started=started)
    assert [one.overdue for one in spine.heartbeats.ls()] == [False, False, False]

    clock.advance(seconds_s=15)
    spine.heartbeats.beat("control", started=started)
    child.kill()
    child.communicate()
    clock.advance(seconds_s=6)
    found = {one.host if one.host == "elsewhere" else one.kind: one for one in spine.heartbeats.ls()}
    assert [(name, one.overdue) for name, one in sorted(found.items())] == [
        ("control", False),
        ("elsewhere", True),
        ("worker", True),
    ]
    assert found["elsewhere"].heard == started

    spine.heartbeats.tidy("worker")
    assert [(one.kind, one.host) for one in spine.heartbeats.ls() if one.overdue] == [("worker", "elsewhere")]
    clock.advance(seconds_s=90_000)
    spine.heartbeats.beat("control", started=started)
    spine.heartbeats.tidy("worker")
    assert [one.kind for one in spine.heartbeats.ls()] == ["control"]
    spine.heartbeats.end()
    assert spine.heartbeats.ls() == []


def test_two_actors_share_one_workspace(make_spine: Callable[..., Spine]) -> None:
    """Each record names who made it."""
    for actor in ("ada", "ben"):
        with make_spine(actor).record("data.commit"):
            pass

    assert {found.actor for found in make_spine().executions.search(kind="data.commit")} == {"ada", "ben"}
