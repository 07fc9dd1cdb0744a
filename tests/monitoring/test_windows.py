"""Windows: aligned, found again, marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.metadata import Spine
from stackcanvas.monitoring.windows import Window, Windows, due

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@given(st.integers(-(10**9), 10**10), st.integers(1, 10**6))
def test_a_due_window_is_whole_and_the_last(now_s: int, every_s: int) -> None:
    """It is over, and the next one is not."""
    now, every = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=now_s), timedelta(seconds=every_s)
    window = due(now, length=7 * every, every=every)

    assert window.end <= now < window.end + every
    assert window.end - window.start == 7 * every


def test_windows_are_marked_once(spine: Spine) -> None:
    """The last one is known to the next worker; marking again changes nothing."""
    windows = Windows(spine.database)
    window = due(NOW, length=timedelta(days=7), every=timedelta(days=1))
    assert windows.last("delay", "drift") is None
    with spine.write() as tx:
        for _ in range(2):
            windows.mark(tx, "delay", "drift", window, now=NOW)
            windows.mark(tx, "delay", "drift", Window(window.start, window.end - timedelta(days=1)), now=NOW)

    assert windows.last("delay", "drift") == window.end
    assert windows.last("delay", "performance") is None
    assert windows.stale("delay", "drift") == []
