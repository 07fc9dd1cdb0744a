from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from stackcanvas.clock import SystemClock
from stackcanvas.pipelines import Worker, Worktrees, run_next

CODE = """
import os, time

@sc.step
def work(number, pause=0.0):
    said(f"{number}")
    time.sleep(pause)
    return number, os.getpid(), os.getcwd()

@sc.pipeline
def train(number: int = 1, pause: float = 0.0):
    return work(number, pause)
"""


def until(holds: Callable[[], object], *, limit_s: float = 60.0) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def real(project: Any, **options: Any) -> Any:
    """The stack with the machine's clock, as the children have it."""
    return project.open(clock=SystemClock(), **options)


def test_a_queued_run_is_executed_in_this_process_on_demand(project: Any) -> None:
    """As a driver with a clock of its own does."""
    project.write(CODE)
    stack = project.open()
    asked = stack.pipelines.queue("train", {"number": 5})
    assert asked.state == "queued"

    run = run_next(stack.pipelines)

    assert run is not None
    assert (run.id, run.state) == (asked.id, "finished")
    assert stack.pipelines.result(run.id)[0] == 5
    assert run_next(stack.pipelines) is None


def test_each_run_has_a_process_of_its_own(project: Any) -> None:
    """As many beside each other as there is room for."""
    project.write(CODE)
    stack = real(project)
    asked = [stack.pipelines.queue("train", {"number": number}) for number in range(3)]
    worker = Worker(stack.pipelines, parallel=2)

    first = worker.tick(SystemClock().now())
    assert first == [run.id for run in asked[:2]]
    assert worker.tick(SystemClock().now()) == []
    worker.wait()
    assert worker.tick(SystemClock().now()) == [asked[2].id]
    worker.wait()

    results = [stack.pipelines.result(run.id) for run in asked]
    assert [number for number, _, _ in results] == [0, 1, 2]
    assert len({process for _, process, _ in results}) == 3


def test_two_workers_execute_each_run_once(project: Any) -> None:
    """Whoever comes first."""
    project.write(CODE)
    stack = real(project)
    runs = [stack.pipelines.queue("train", {"number": number}) for number in range(4)]
    workers = [Worker(stack.pipelines, parallel=2) for _ in range(2)]

    def work(worker: Worker) -> None:
        until(lambda: worker.tick(SystemClock().now()) is not None and all_ended())
        worker.wait()

    def all_ended() -> bool:
        return all(stack.pipelines.get(run.id).state == "finished" for run in runs)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(project.lines()) == ["0", "1", "2", "3"]


def test_a_run_whose_process_died_is_gone_on_with(project: Any) -> None:
    """By the next worker; what had finished is not run again."""
    project.write("""
    import time

    @sc.step(cache=False)
    def first():
        said("first")
        return 1

    @sc.step(cache=False)
    def second(value):
        said("second")
        if len((HERE / "calls").read_text().splitlines()) == 2:
            time.sleep(600)
        return value + 1

    @sc.pipeline
    def train():
        return second(first())
    """)
    stack = real(project)
    run = stack.pipelines.queue("train")
    worker = Worker(stack.pipelines)
    worker.tick(SystemClock().now())
    until(lambda: len(project.lines()) == 2)

    worker.close()
    assert stack.pipelines.get(run.id).state == "running"
    other = Worker(stack.pipelines)
    assert other.tick(SystemClock().now()) == [run.id]
    other.wait()

    assert stack.pipelines.get(run.id).state == "finished"
    assert project.lines() == ["first", "second", "second"]


def test_a_run_executes_the_commit_not_what_somebody_edits(project: Any) -> None:
    """In a work tree; the record says which commit, and that it was clean."""
    project.write(CODE)
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"]):
        options = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", "-C", project.root, *options, *words], check=True)
    project.write("this is no Python")
    stack = real(project)
    worktrees = Worktrees(project.root, project.root / ".stackcanvas" / "worktrees")
    with stack.spine.write() as tx:
        run_id = stack.pipelines.records.add(tx, "train", parameters={}, trigger="drift.found", queued=True)
    worker = Worker(stack.pipelines, worktrees=worktrees)

    worker.tick(SystemClock().now())
    worker.wait()

    run = stack.pipelines.get(run_id)
    assert run.error is None
    assert (run.code.commit, run.code.dirty) == (worktrees.head(), False)
    project.write(CODE)
    assert stack.pipelines.result(run_id)[2] == str(worktrees.at(str(worktrees.head())))


def test_without_a_commit_a_run_executes_the_folder(project: Any) -> None:
    """And its record says that nobody can tell which code that was."""
    project.write(CODE)
    stack = real(project)
    run = stack.pipelines.queue("train")
    worker = Worker(stack.pipelines, worktrees=Worktrees(project.root, project.root / "trees"))

    worker.tick(SystemClock().now())
    worker.wait()

    assert stack.pipelines.result(run.id)[2] == str(project.root)
    assert stack.pipelines.get(run.id).code.dirty


def test_a_run_of_broken_code_fails_with_the_users_line(project: Any) -> None:
    """The worker goes on."""
    project.write(CODE)
    stack = real(project)
    run = stack.pipelines.queue("train")
    project.write("import nothing_of_that_name\n")
    worker = Worker(stack.pipelines)

    worker.tick(SystemClock().now())
    worker.wait()

    failed = stack.pipelines.get(run.id)
    assert failed.state == "failed"
    assert "pipelines.py:10: the file failed while it was imported" in failed.error
    assert "in <module>" in failed.frames
    (event,) = stack.spine.events.latest(names=["run.finished"])
    assert event.payload == {"pipeline": "train", "state": "failed"}


def test_a_child_that_dies_before_it_began_costs_nothing(project: Any) -> None:
    """The run is free again as soon as the worker sees it."""
    project.write(CODE)
    stack = real(project)
    run = stack.pipelines.queue("train")
    worker = Worker(stack.pipelines)
    worker.tick(SystemClock().now())
    worker.close()

    assert worker.tick(SystemClock().now()) == [run.id]
    worker.wait()
    assert stack.pipelines.get(run.id).state == "finished"


def test_a_run_whose_code_cannot_be_had_fails(project: Any) -> None:
    """The others do not wait for it."""
    project.write(CODE)
    stack = real(project)
    first, second = stack.pipelines.queue("train"), stack.pipelines.queue("train")

    class Gone(Worktrees):
        """Work trees of a repository that has lost a commit."""

        asked = 0

        def head(self) -> str | None:
            """Some commit, then none."""
            self.asked += 1
            return "f" * 40 if self.asked == 1 else None

    worker = Worker(stack.pipelines, worktrees=Gone(project.root, project.root / "trees"))

    assert worker.tick(SystemClock().now()) == [first.id, second.id]
    worker.wait()

    assert stack.pipelines.get(first.id).state == "failed"
    assert "There is no commit" in str(stack.pipelines.get(first.id).error)
    assert stack.pipelines.get(second.id).state == "finished"


def test_a_run_by_hand_that_was_killed_is_recorded_as_failed(project: Any) -> None:
    """By the next worker; it can be resumed as any failed run."""
    project.write(
        """
        import os, signal

        @sc.step
        def dies():
            said("dies")
            if len((HERE / "calls").read_text().splitlines()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return "alive"

        @sc.pipeline
        def train():
            return dies()
        """
    )
    script = "import sys; from opened_project import *; open_project(sys.argv[1]).pipelines.run('train')"
    assert subprocess.run([sys.executable, "-c", script, str(project.root)], check=False).returncode < 0
    stack = real(project)
    (run,) = stack.pipelines.runs()
    assert run.state == "running"

    Worker(stack.pipelines).tick(SystemClock().now())

    assert stack.pipelines.get(run.id).error == "the process that executed it died"
    assert stack.experiments.get(run.id).status == "failed"
    assert stack.pipelines.result(stack.pipelines.resume(run.id).id) == "alive"
