"""The worker: ticks by lease, and one that fails stops no other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.errors import Unavailable
from stackcanvas.metadata import Spine
from stackcanvas.server.worker import Renewal, Ticker


def ticker(spine: Spine, tick: Callable[[datetime], object], *, holder: str = "a", name: str = "work") -> Ticker:
    """A ticker over the workspace."""
    return Ticker(name, tick, clock=spine.clock, leases=spine.leases, holder=holder, period_s=0.5)


def test_a_tick_is_told_the_time_of_the_stack(spine: Spine, clock: ManualClock) -> None:
    """What is passed is the stack's clock, which a replay moves."""
    seen: list[datetime] = []

    ticker(spine, seen.append).once()
    clock.advance(seconds_s=60)
    ticker(spine, seen.append).once()

    assert [(instant - seen[0]).total_seconds() for instant in seen] == [0, 60]


def test_one_worker_at_a_time_does_a_kind_of_work(spine: Spine) -> None:
    """While one worker ticks, another waits; afterwards it has its turn."""
    other: list[datetime] = []

    def tick(_now: datetime) -> None:
        ticker(spine, other.append, holder="b").once()
        assert other == []

    ticker(spine, tick, holder="a").once()
    ticker(spine, other.append, holder="b").once()

    assert len(other) == 1


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


def test_long_work_keeps_its_lease(spine: Spine, clock: ManualClock) -> None:
    """While work goes on the lease is renewed, so that nobody else starts the same."""
    held = spine.leases.acquire("tick:train", "a", ttl_s=0.3)
    assert held is not None
    renewed = threading.Event()

    class Leases:
        """The leases of the workspace, seen from outside when one is renewed."""

        def renew(self, lease: object, *, ttl_s: float) -> object:
            found = spine.leases.renew(lease, ttl_s=ttl_s)  # type: ignore[arg-type]
            renewed.set()
            return found

    with Renewal(Leases(), held, ttl_s=0.3):  # type: ignore[arg-type]
        clock.advance(seconds_s=0.25)
        assert renewed.wait(10)

    assert spine.leases.acquire("tick:train", "b", ttl_s=1) is None
