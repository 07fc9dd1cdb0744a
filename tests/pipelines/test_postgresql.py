"""The same on PostgreSQL: runs with state and cache, triggers, claims."""

from __future__ import annotations

import threading
from typing import Any

from stackcanvas.metadata import Ref
from stackcanvas.pipelines import Scheduler, Trigger, run_next


def test_runs_triggers_and_claims_are_the_same_on_postgresql(project: Any, postgres_url: str) -> None:
    """A resumed run, a cached one, events that fire once, runs that are claimed once."""
    project.write(
        """
        @sc.step
        def load(n: int):
            return [bytes(30_000), list(range(n))]

        @sc.step(cache=False)
        def fit(number):
            said(f"fit {number}")
            if len((HERE / "calls").read_text().splitlines()) == 2:
                raise OSError("not now")
            return number * 2

        @sc.pipeline
        def train(n: int = 3):
            return sc.map(fit, load(n)[1])
        """
    )
    stack = project.open(database=postgres_url)
    failed = stack.pipelines.run("train")
    assert failed.state == "failed"
    assert stack.pipelines.result(stack.pipelines.resume(failed.id).id) == [0, 2, 4]
    assert sorted(project.lines()) == ["fit 0", "fit 1", "fit 1", "fit 2"]
    states = {step.node: step.state for step in stack.pipelines.steps(stack.pipelines.run("train").id)}
    assert (states["load"], states["fit"]) == ("cached", "finished")

    triggers = [Trigger("train", on="data.committed", concurrency=None), Trigger("train", cron="* * * * *")]
    schedulers = [Scheduler(stack.spine, stack.pipelines.records, triggers=lambda: triggers) for _ in range(2)]
    schedulers[0].tick(project.clock.now())
    for number in range(5):
        with stack.spine.write() as tx:
            stack.spine.events.emit(tx, "data.committed", Ref("data", "flights", str(number)))
    project.clock.advance(seconds_s=90)
    _together(*(lambda one=one: one.tick(project.clock.now()) for one in schedulers))
    queued = stack.pipelines.runs(state="queued")
    assert len(queued) == 6

    _together(*[lambda: run_next(stack.pipelines)] * 3)
    while run_next(stack.pipelines) is not None:
        pass
    assert {stack.pipelines.get(run.id).state for run in queued} == {"finished"}
    ended = [str(event.subject) for event in stack.spine.events.latest(names=["run.finished"], limit=100)]
    assert sorted(ended) == sorted([str(failed.ref), *(str(run.ref) for run in stack.pipelines.runs())])


def _together(*works: Any) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
