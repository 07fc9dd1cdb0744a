"""Ticks: by lease, and one that fails stops no other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.errors import Unavailable
from stackcanvas.metadata import Spine
from stackcanvas.server.keeper import Keeper
from stackcanvas.server.ticker import Ticker


def ticker(spine: Spine, tick: Callable[[datetime], object], *, holder: str = "a", name: str = "work") -> Ticker:
    """A ticker over the workspace, with the leases of a worker."""
    keeper = Keeper(spine.leases, holder=holder)
    return Ticker(name, tick, clock=spine.clock, turn=partial(keeper.turn, name), period_s=0.5)


def test_a_tick_is_told_the_time_of_the_stack(spine: Spine, clock: ManualClock) -> None:
    """What is passed is the stack's clock, which a replay moves."""
    seen: list[datetime] = []

    ticker(spine, seen.append).once()
    clock.advance(seconds_s=60)
    ticker(spine, seen.append).once()

    assert [(instant - seen[0]).total_seconds() for instant in seen] == [0, 60]


def test_one_worker_at_a_time_does_a_kind_of_work(spine: Spine, clock: ManualClock) -> None:
    """Two workers, one works; when it is gone, the other takes over once the lease has run out."""
    first: list[datetime] = []
    second: list[datetime] = []
    one, other = ticker(spine, first.append), ticker(spine, second.append, holder="b")

    for _ in range(3):
        one.once()
        other.once()
    assert (len(first), len(second)) == (3, 0)

    clock.advance(seconds_s=16)
    other.once()
    assert (len(first), len(second)) == (3, 1)


def test_a_worker_that_comes_back_goes_on_at_once(spine: Spine) -> None:
    """A restart has the same name, and need not wait for the lease that it left behind."""
    seen: list[datetime] = []

    ticker(spine, seen.append).once()
    ticker(spine, seen.append).once()

    assert len(seen) == 2


def test_a_failing_tick_is_said_once_and_tried_later_and_later(spine: Spine, caplog: pytest.LogCaptureFixture) -> None:
    """The pause doubles, the log holds one line, and success resets both."""
    faults: list[Exception] = [Unavailable("The store is away")] * 3

    def tick(_now: datetime) -> None:
        if faults:
            raise faults.pop()

    one = ticker(spine, tick)
    with caplog.at_level(logging.INFO, "stackcanvas.worker"):
        pauses = [one.once() for _ in range(4)]

    assert pauses == [1.0, 2.0, 4.0, 0.5]
    assert [record.getMessage() for record in caplog.records] == [
        "work failed: The store is away.",
        "work works again",
    ]


def test_a_failing_tick_does_not_hold_up_another(spine: Spine, caplog: pytest.LogCaptureFixture) -> None:
    """Each kind of work has a thread of its own; one that raises leaves the other running."""
    stop, ticked = threading.Event(), threading.Event()

    def broken(_now: datetime) -> None:
        raise ZeroDivisionError("division by zero")

    def fine(_now: datetime) -> None:
        ticked.set()

    threads = [
        threading.Thread(target=ticker(spine, tick, name=name).run, args=(stop,))
        for name, tick in (("broken", broken), ("fine", fine))
    ]
    for thread in threads:
        thread.start()
    assert ticked.wait(10)
    stop.set()
    for thread in threads:
        thread.join(10)

    assert not any(thread.is_alive() for thread in threads)
    assert "broken failed: ZeroDivisionError" in caplog.text
