"""An endpoint that is watched, with version 1 live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.metadata import Spine
from stackcanvas.testing.monitoring import DAY, WatchedEndpoint
from stackcanvas.testing.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def world(spine: Spine, clock: ManualClock) -> WatchedEndpoint:
    """A world with version 1 live at the endpoint `delay`."""
    made = WatchedEndpoint(spine, clock)
    made.deploy()
    return made


@pytest.fixture
def day(clock: ManualClock) -> Callable[[float], datetime]:
    """The instant so many days after the midnight before the test began."""
    midnight = clock.now().replace(hour=0)
    return lambda count: midnight + count * DAY
