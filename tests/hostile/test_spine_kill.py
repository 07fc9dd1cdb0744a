"""Kill -9 at any moment leaves the records as before or as after a piece of work, and what was answered is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable, Mapping

import pytest

from stackcanvas.metadata import Ref, Spine

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment(shared_spine: Spine, start_worker: Start, seed: int) -> None:
    """One process, killed after a random number of pieces of work and a random moment more."""
    _kill_and_check(shared_spine, start_worker, random.Random(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 250))
def test_killed_at_many_random_moments(shared_spine: Spine, start_worker: Start, seed: int) -> None:
    """The same, many times."""
    _kill_and_check(shared_spine, start_worker, random.Random(seed))


def test_all_of_eight_killed_while_they_write(shared_spine: Spine, start_worker: Start) -> None:
    """The machine goes down: all at once; what stands is whole, and the next writer goes on at once."""
    workers = start_worker("work", processes=8, times=0)
    answered = _answers(workers, until=lambda found: len(found) == 8 and min(found.values()) >= 2)

    _check(shared_spine, answered)
    assert shared_spine.audit.verify() == []
    events = shared_spine.events.after(0, limit=100_000)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    shared_spine.executions.reap()
    assert shared_spine.executions.search(state="running") == []
    with shared_spine.write() as tx:
        assert shared_spine.events.emit(tx, "data.committed", Ref("data", "after")) == len(events) + 1


def _kill_and_check(spine: Spine, start_worker: Start, rng: random.Random) -> None:
    pieces = rng.randrange(1, 12)
    worker = start_worker("work", processes=1, times=0)
    # Between two answers a piece of work takes some milliseconds: hit any of its moments.
    answered = _answers(worker, until=lambda found: sum(found.values()) >= pieces, then_s=rng.uniform(0, 0.02))

    _check(spine, answered)
    lost = spine.executions.reap()
    assert len(lost) <= 1
    assert [found.id for found in spine.executions.search(state="lost")] == lost
    assert spine.executions.search(state="running") == []
    assert spine.audit.verify() == []


def _answers(
    workers: subprocess.Popen[str], *, until: Callable[[Mapping[str, int]], bool], then_s: float = 0
) -> dict[str, int]:
    """Kill all when they have answered enough; returns the last number that each answered."""
    assert workers.stdout is not None
    found: dict[str, int] = {}
    while not until(found):
        name, number = workers.stdout.readline().split()
        found[name] = int(number)
    with pytest.raises(subprocess.TimeoutExpired):
        workers.wait(then_s)
    os.killpg(workers.pid, signal.SIGKILL)
    for line in workers.stdout:
        if line.endswith("\n"):  # a cut line is no answer
            name, number = line.split()
            found[name] = int(number)
    workers.wait()
    return found


def _check(spine: Spine, answered: Mapping[str, int]) -> None:
    """Every answered piece of each writer is whole; of the next, all is there or nothing."""
    executions = {found.subject: found for found in spine.executions.search(kind="data.commit", limit=100_000)}
    made = {found.ref for found in spine.artifacts.search(kind="data", limit=100_000)}

    assert made == {event.subject for event in spine.events.after(0, limit=100_000)}
    assert made == {entry.subject for entry in spine.audit.entries(limit=100_000)}
    for name, least in answered.items():
        started = sorted(ref.number or 0 for ref in executions if ref is not None and ref.name == name)
        assert started == list(range(1, len(started) + 1))
        assert least <= len(started) <= least + 1
        for number in started:
            ref = Ref("data", name, str(number))
            assert (ref in made) == (executions[ref].state == "done")
            assert number > least or executions[ref].state == ("done" if number % 3 else "failed")
        for number in started[-5:]:
            ref = Ref("data", name, str(number))
            assert (ref in made) == bool(spine.lineage.upstream(ref, depth=1).edges)
