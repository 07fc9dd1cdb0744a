from __future__ import annotations

import threading
from typing import Any

import pytest

from stackcanvas.errors import BadInput, Conflict, NotFound
from stackcanvas.experiments import Wanted
from stackcanvas.metadata import CodeState
from stackcanvas.pipelines import Pipelines, RunFailed

CODE = """
@sc.step
def double(number):
    return 2 * number

@sc.pipeline
def train(depth: int = 6):
    '''Train it.'''
    return {"depth": double(depth), "plain": 1}

@sc.pipeline
def empty():
    return None
"""


def test_a_run_is_a_record_an_execution_a_tracked_run_and_an_event(project: Any) -> None:
    """All under one id, with the same parameters and code."""
    project.write(CODE)
    stack = project.open()

    run = stack.pipelines.run("train", {"depth": 3}, seed=7).check()

    execution, tracked = stack.spine.executions.get(run.id), stack.experiments.get(run.id)
    assert (run.pipeline, run.state, run.parameters, run.seed) == ("train", "finished", {"depth": 3}, 7)
    assert run.code == CodeState("c0ffee", dirty=True) == execution.code == tracked.code
    assert (execution.kind, execution.state, str(execution.subject)) == ("pipelines.run", "done", "pipeline:train")
    assert (tracked.experiment, tracked.status, tracked.parameters) == ("train", "finished", {"depth": "3"})
    assert (tracked.seed, tracked.tags) == (7, {"trigger": "manual"})
    (event,) = stack.spine.events.latest(names=["run.finished"])
    assert (event.subject, event.payload) == (run.ref, {"pipeline": "train", "state": "finished"})


def test_a_run_that_an_event_started_shows_the_defaults_of_its_code(project: Any) -> None:
    """A trigger names what differs; runs are compared by all that they ran with."""
    project.write(CODE)
    stack = project.open()
    with stack.spine.write() as tx:
        run_id = stack.pipelines.records.add(tx, "train", parameters={}, trigger="drift.found", queued=True)

    run = stack.pipelines.execute(*stack.pipelines.claim()).check()

    assert (run.id, run.parameters) == (str(run_id), {"depth": 6})
    assert stack.pipelines.records.get(run.id).parameters == {"depth": 6}
    assert stack.experiments.get(run.id).parameters == {"depth": "6"}


def test_what_steps_make_is_an_artifact_of_the_run(project: Any) -> None:
    """Where the canvas wants artifacts of every run, a pipeline without steps lacks them."""
    project.write(CODE)
    stack = project.open(wanted=Wanted(("parameters", "artifacts")))
    missing = [stack.experiments.get(stack.pipelines.run(name).id).missing for name in ("train", "empty")]

    assert missing == [(), ("parameters", "artifacts")]


def test_what_the_body_returns_is_the_result(project: Any) -> None:
    """Handles and plain values together; of a single step by its name as well."""
    project.write(CODE)
    pipelines: Pipelines = project.open().pipelines
    run = pipelines.run("train")

    assert pipelines.result(run.id) == {"depth": 12, "plain": 1}
    assert pipelines.result(run.id, step="double") == 12
    assert pipelines.result(pipelines.run("empty").id) is None
    with pytest.raises(NotFound, match="double"):
        pipelines.result(run.id, step="duoble")


def test_pipelines_and_their_graphs_are_listed_without_running(project: Any) -> None:
    """By name."""
    project.write(CODE)
    pipelines: Pipelines = project.open().pipelines

    assert [found.name for found in pipelines.ls()] == ["empty", "train"]
    assert list(pipelines.graph("train").nodes) == ["double"]
    assert pipelines.runs() == []


def test_runs_are_listed_newest_first(project: Any) -> None:
    """Of a pipeline, or in a state."""
    project.write(CODE)
    pipelines: Pipelines = project.open().pipelines
    runs = []
    for name in ("train", "empty", "train"):
        project.clock.advance(seconds_s=1)
        runs.append(pipelines.run(name))
    waiting = pipelines.queue("train")

    assert [run.id for run in pipelines.runs(pipeline="train", state="finished")] == [runs[2].id, runs[0].id]
    assert [run.id for run in pipelines.runs(state="queued")] == [waiting.id]
    assert len(pipelines.runs(limit=2)) == 2


def test_what_cannot_run_leaves_no_record(project: Any) -> None:
    """An unknown pipeline, a wrong parameter, a body that fails."""
    project.write(CODE + "@sc.pipeline\ndef wrong():\n    return 1 / 0\n")
    pipelines: Pipelines = project.open().pipelines

    with pytest.raises(NotFound, match="Did you mean 'train'"):
        pipelines.run("trian")
    with pytest.raises(BadInput, match="Did you mean 'depth'"):
        pipelines.run("train", {"dept": 1})
    with pytest.raises(BadInput, match="ZeroDivisionError"):
        pipelines.run("wrong")
    with pytest.raises(BadInput, match="Did you mean 'depth'"):
        pipelines.queue("train", {"dept": 1})
    assert pipelines.runs() == []


def test_a_finished_run_is_not_resumed_and_a_running_one_is_refused(project: Any) -> None:
    """Nor is one that does not exist."""
    project.write(
        """
        import threading
        GO, HERE_NOW = threading.Event(), threading.Event()

        @sc.step(cache=False)
        def wait():
            HERE_NOW.set()
            GO.wait(30)

        @sc.pipeline
        def train():
            return wait()
        """
    )
    stack = project.open()
    pipelines: Pipelines = stack.pipelines
    module = pipelines.project.module("pipelines")
    assert module is not None
    thread = threading.Thread(target=pipelines.run, args=("train",))
    thread.start()
    module.HERE_NOW.wait(30)
    (run,) = pipelines.runs()
    with pytest.raises(Conflict, match="is being executed"):
        pipelines.resume(run.id)
    with pytest.raises(RunFailed, match="is running"):
        pipelines.result(run.id)
    module.GO.set()
    thread.join()

    with pytest.raises(Conflict, match="has finished"):
        pipelines.resume(run.id)
    with pytest.raises(NotFound):
        pipelines.resume("nothing")


def test_a_run_that_a_person_interrupts_is_cancelled_and_can_be_resumed(project: Any) -> None:
    """Control and C."""
    project.write(
        """
        @sc.step
        def stop():
            said("stop")
            if len((HERE / "calls").read_text().splitlines()) == 1:
                raise KeyboardInterrupt
            return 1

        @sc.pipeline
        def train():
            return stop()
        """
    )
    stack = project.open()

    with pytest.raises(KeyboardInterrupt):
        stack.pipelines.run("train")

    (run,) = stack.pipelines.runs()
    assert run.state == "cancelled"
    assert stack.experiments.get(run.id).status == "killed"
    assert stack.pipelines.resume(run.id).state == "finished"


def test_a_resumed_run_keeps_its_inputs(project: Any) -> None:
    """The versions of its first start, not those of today."""
    project.write(
        """
        @sc.step(cache=False)
        def total(frame):
            said("total")
            if len((HERE / "calls").read_text().splitlines()) == 1:
                raise OSError("no network")
            return frame["delay"].sum()

        @sc.pipeline
        def train():
            return total(sc.dataset("flights"))
        """
    )
    stack = project.open()
    stack.tables.write("flights", 1, delay=[1, 2])
    failed = stack.pipelines.run("train")
    stack.tables.write("flights", 2, delay=[10])

    run = stack.pipelines.resume(failed.id)

    assert stack.pipelines.result(run.id) == 3
    assert str(run.pins["data:flights"].ref) == "data:flights@1"


def test_an_error_of_ours_is_told_not_hidden(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full, say: the run has failed, and the error goes on upward."""
    project.write(
        """
        @sc.step
        def large():
            return bytes(100_000)

        @sc.pipeline
        def train():
            return large()
        """
    )
    stack = project.open()
    store = project.root / ".stackcanvas" / "objects"
    store.write_text("in the way of the folder")

    run = stack.pipelines.run("train")

    assert run.state == "failed"
    assert run.error.startswith("large: ")
    (step,) = stack.pipelines.steps(run.id)
    assert step.state == "failed"
