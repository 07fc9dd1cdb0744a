"""The leases of a worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.metadata import Ref, Spine
from stackcanvas.metadata.leases import LeaseLost
from stackcanvas.server.keeper import Keeper


def test_long_work_keeps_its_lease(spine: Spine, clock: ManualClock) -> None:
    """While work goes on its lease is renewed, so that nobody else starts the same; a stop gives it back."""
    keeper, other = Keeper(spine.leases, holder="a"), Keeper(spine.leases, holder="b")
    assert keeper.holds("tick:train")

    for _ in range(5):
        clock.advance(seconds_s=10)
        keeper.renew()
        assert not other.holds("tick:train")

    keeper.release()
    assert other.holds("tick:train")


def test_a_lost_lease_is_noticed(spine: Spine, clock: ManualClock) -> None:
    """One who slept through the end of a lease that another took does not work on."""
    keeper, other = Keeper(spine.leases, holder="a"), Keeper(spine.leases, holder="b")
    assert keeper.holds("tick:train")
    assert not other.holds("tick:train")
    clock.advance(seconds_s=20)
    assert other.holds("tick:train")

    keeper.renew()

    assert not keeper.holds("tick:train")


def test_whoever_was_paused_in_the_middle_of_work_writes_nothing(spine: Spine, clock: ManualClock) -> None:
    """Stopped past its lease inside a tick, as by a debugger or a machine that sleeps: its next write is refused."""
    keeper, other = Keeper(spine.leases, holder="a"), Keeper(spine.leases, holder="b")

    def take_over() -> bool:
        other.holds("tick:train")
        clock.advance(seconds_s=20)
        return other.holds("tick:train")

    with pytest.raises(LeaseLost), keeper.turn("tick:train") as mine:
        assert mine
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(take_over).result()
        with spine.write() as tx:
            spine.events.emit(tx, "data.committed", Ref.parse("data:flights@1"))

    assert spine.events.head() == 0
    with keeper.turn("tick:train") as mine:
        assert not mine


def test_whoever_was_paused_between_two_ticks_asks_before_the_next(spine: Spine, clock: ManualClock) -> None:
    """Before the thread that renews has run again."""
    keeper = Keeper(spine.leases, holder="a", now_s=lambda: clock.now().timestamp())
    other = Keeper(spine.leases, holder="b")
    assert keeper.holds("tick:train")
    assert not other.holds("tick:train")
    clock.advance(seconds_s=20)
    assert other.holds("tick:train")

    assert not keeper.holds("tick:train")
