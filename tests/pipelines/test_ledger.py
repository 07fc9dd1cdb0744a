from __future__ import annotations

from typing import Any

import pytest

from stackcanvas.clock import ManualClock
from stackcanvas.pipelines.ledger import Lost
from stackcanvas.pipelines.run import LEASE_S


def test_who_was_thought_dead_writes_nothing_more(project: Any, clock: ManualClock) -> None:
    """The run belongs to the one who took it over, and the late one hears of it."""
    project.write(
        """
        @sc.step(cache=False)
        def first(context: sc.Context):
            said("first")
            if len((HERE / "calls").read_text().splitlines()) == 1:
                context.stack.hang(context.run.id)
            return 1

        @sc.step(cache=False)
        def second(value):
            said("second")
            return value + 1

        @sc.pipeline
        def train():
            return second(first())
        """
    )
    stack = project.open(wall=clock)
    other = project.open(wall=clock)

    def hang(run_id: str) -> None:
        """Meanwhile the lease runs out; the process lives on, on another host as it were."""
        clock.advance(seconds_s=LEASE_S + 1)
        other.pipelines.resume(run_id)

    stack.hang = hang

    with pytest.raises(Lost):
        stack.pipelines.run("train")

    (run,) = stack.pipelines.runs()
    assert run.state == "finished"
    assert project.lines() == ["first", "first", "second"]
    assert stack.pipelines.result(run.id) == 2
