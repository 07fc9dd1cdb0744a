from __future__ import annotations

import io
import threading
import time
from typing import Any

import pytest

from stackcanvas.metadata import Ref
from stackcanvas.pipelines import Progress


def states(stack: Any, run: Any) -> dict[str, str]:
    """The state of each step of a run."""
    return {step.node: step.state for step in stack.pipelines.steps(run.id)}


def test_a_second_run_takes_every_step_from_the_first(project: Any) -> None:
    """And gives the same; the lineage leads to the execution that did the work."""
    project.write(
        """
    @sc.step
    def load(n: int):
        said("load")
        return list(range(n))

    @sc.step
    def total(numbers):
        said("total")
        return sum(numbers)

    @sc.pipeline
    def train(n: int = 4):
        return total(load(n))
    """
    )
    stack = project.open()

    first = stack.pipelines.run("train")
    second = stack.pipelines.run("train")

    assert project.lines() == ["load", "total"]
    assert (first.state, second.state) == ("finished", "finished")
    assert stack.pipelines.result(second.id) == 6
    assert states(stack, first) == {"load": "finished", "total": "finished"}
    assert states(stack, second) == {"load": "cached", "total": "cached"}
    assert [step.execution for step in stack.pipelines.steps(first.id)] == [
        step.execution for step in stack.pipelines.steps(second.id)
    ]
    reached = stack.spine.lineage.upstream(second.ref)
    assert {found.kind for found in reached.executions} == {"pipelines.run", "pipelines.step"}


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"parameters": {"n": 5}}, ["load", "total"]),
        ({"old": "sum(numbers)", "new": "sum(numbers) * 1"}, ["total"]),
        ({"old": "list(range(n))", "new": "list(range(n)) + []"}, ["load"]),
        ({"old": "list(range(n))", "new": "list(range(n + 1))"}, ["load", "total"]),
        ({"fresh": True}, ["load", "total"]),
    ],
)
def test_only_what_a_change_touches_runs_again(project: Any, change: dict[str, Any], again: list[str]) -> None:
    """A step whose new code gives the old value stops the change there."""
    code = """
    @sc.step
    def load(n: int):
        said("load")
        return list(range(n))

    @sc.step
    def total(numbers):
        said("total")
        return sum(numbers)

    @sc.pipeline
    def train(n: int = 4):
        return total(load(n))
    """
    project.write(code)
    stack = project.open()
    stack.pipelines.run("train").check()
    if "old" in change:
        project.write(code.replace(change["old"], change["new"]))

    stack.pipelines.run("train", change.get("parameters"), fresh=change.get("fresh", False)).check()

    assert project.lines()[2:] == again


def test_a_part_of_a_result_that_did_not_change_keeps_its_step_cached(project: Any) -> None:
    """The digest is that of the part."""
    code = """
    @sc.step
    def split():
        return [1, 2], [3]

    @sc.step
    def fit(train):
        said("fit")
        return sum(train)

    @sc.pipeline
    def train():
        parts = split()
        return fit(parts[0])
    """
    project.write(code)
    stack = project.open()
    stack.pipelines.run("train").check()
    project.write(code.replace("[3]", "[4]"))
    stack.pipelines.run("train").check()

    assert project.lines() == ["fit"]


def test_a_failing_step_stops_only_what_depends_on_it(project: Any) -> None:
    """The others end; the run has failed, and says why in the user's terms."""
    project.write("""
    import json

    @sc.step
    def broken(text):
        return json.loads(text)

    @sc.step
    def fine():
        return 1

    @sc.step
    def after(value):
        return value

    @sc.pipeline
    def train():
        return after(after(broken("{"))), after(fine())
    """)
    stack = project.open()

    run = stack.pipelines.run("train")

    assert run.state == "failed"
    assert states(stack, run) == {
        "broken": "failed",
        "after": "blocked",
        "after#2": "blocked",
        "fine": "finished",
        "after#3": "finished",
    }
    (broken,) = [step for step in stack.pipelines.steps(run.id) if step.node == "broken"]
    assert broken.error.startswith("JSONDecodeError: Expecting")
    files = [line for line in broken.frames.splitlines() if line.strip().startswith("File")]
    assert len(files) == 1
    assert "pipelines.py" in files[0]
    assert "in broken" in files[0]
    assert run.error.startswith("broken: JSONDecodeError")
    with pytest.raises(Exception, match=f"--resume {run.id}"):
        run.check()


def test_resume_runs_only_what_has_not_finished(project: Any) -> None:
    """After the user mended the step; even a step that is never cached is not run twice."""
    code = """
    @sc.step(cache=False)
    def load():
        said("load")
        return 4

    @sc.step
    def fit(n):
        said("fit")
        return 1 / (n - 4)

    @sc.pipeline
    def train():
        return fit(load())
    """
    project.write(code)
    stack = project.open()
    failed = stack.pipelines.run("train")
    assert failed.state == "failed"
    project.write(code.replace("n - 4", "n - 2"))

    run = stack.pipelines.resume(failed.id)

    assert run.id == failed.id
    assert run.state == "finished"
    assert run.error is None
    assert project.lines() == ["load", "fit", "fit"]
    assert stack.pipelines.result(run.id) == 0.5
    assert stack.experiments.get(run.id).status == "finished"
    assert stack.spine.executions.get(run.id).state == "done"


def test_a_step_is_tried_again_with_pauses_that_double(project: Any) -> None:
    """Each attempt has its own record; the clock that is passed in waits."""
    project.write(
        """
    @sc.step(retries=3)
    def flaky():
        said("try")
        if len((HERE / "calls").read_text().splitlines()) < 4:
            raise OSError("not yet")
        return 1

    @sc.pipeline
    def train():
        return flaky()
    """
    )
    stack = project.open()

    run = stack.pipelines.run("train")

    assert run.state == "finished"
    assert project.slept_s == [1.0, 2.0, 4.0]
    (step,) = stack.pipelines.steps(run.id)
    assert (step.attempt, step.error) == (4, None)
    attempts = stack.spine.executions.search(kind="pipelines.step", parent=run.id)
    assert sorted(found.state for found in attempts) == ["done", "failed", "failed", "failed"]


def test_an_answer_that_is_no_is_not_asked_for_again(project: Any) -> None:
    """A gate that refuses would refuse again."""
    project.write(
        """
    from stackcanvas.errors import Refused

    @sc.step(retries=3)
    def gate():
        said("try")
        raise Refused("the new model is worse")

    @sc.pipeline
    def train():
        return gate()
    """
    )
    stack = project.open()

    run = stack.pipelines.run("train")

    assert project.lines() == ["try"]
    assert run.error == "gate: the new model is worse."


def test_a_step_that_takes_too_long_has_failed(project: Any) -> None:
    """It says where it stood."""
    project.write("""
    import time

    @sc.step(timeout_s=0.2)
    def slow():
        while True:
            time.sleep(0.01)

    @sc.pipeline
    def train():
        return slow()
    """)
    stack = project.open()
    before = time.monotonic()

    run = stack.pipelines.run("train")

    assert time.monotonic() - before < 5
    (step,) = stack.pipelines.steps(run.id)
    assert step.error == "the step slow took longer than 0.2 s."
    assert "pipelines.py" in step.frames


def test_a_mapped_step_runs_once_for_each_item(project: Any) -> None:
    """Each item is cached by itself; the list keeps their order."""
    code = """
    @sc.step
    def days(n: int):
        return [f"day {number}" for number in range(n)]

    @sc.step
    def count(day, plus: int):
        said(day)
        return len(day) + plus

    @sc.step
    def total(counts):
        return sum(counts)

    @sc.pipeline
    def train(n: int = 2):
        counts = sc.map(count, days(n), plus=10)
        return counts, total(counts)
    """
    project.write(code)
    stack = project.open()

    first = stack.pipelines.run("train")
    second = stack.pipelines.run("train", {"n": 3})

    assert stack.pipelines.result(first.id) == ([15, 15], 30)
    assert stack.pipelines.result(second.id) == ([15, 15, 15], 45)
    assert project.lines() == ["day 0", "day 1", "day 2"]
    assert states(stack, second) == {
        "days": "finished",
        "count": "finished",
        "count[0]": "cached",
        "count[1]": "cached",
        "count[2]": "finished",
        "total": "finished",
    }
    assert stack.pipelines.result(stack.pipelines.run("train", {"n": 0}).id) == ([], 0)


def test_of_mapped_items_the_good_ones_end(project: Any) -> None:
    """The list fails when one fails, and what needs it is blocked."""
    project.write("""
    @sc.step
    def invert(number):
        return 1 / number

    @sc.step
    def total(numbers):
        return sum(numbers)

    @sc.pipeline
    def train():
        return total(sc.map(invert, [1, 0, 2]))
    """)
    stack = project.open()

    run = stack.pipelines.run("train")

    assert states(stack, run) == {
        "invert": "failed",
        "invert[0]": "finished",
        "invert[1]": "failed",
        "invert[2]": "finished",
        "total": "blocked",
    }
    assert run.error == "invert[1]: ZeroDivisionError: division by zero"


@pytest.mark.parametrize(("limit", "taken", "left"), [(1, "publish", "keep"), (9, "keep", "publish")])
def test_when_takes_one_branch_and_skips_the_other(project: Any, limit: int, taken: str, left: str) -> None:
    """What comes after it gets the result of the one that was taken."""
    project.write(
        """
    @sc.step
    def score():
        return {"auc": 5}

    @sc.step
    def good(score, limit):
        return score["auc"] > limit

    @sc.step
    def publish(score):
        said("publish")
        return "published"

    @sc.step
    def keep():
        said("keep")
        return "kept"

    @sc.step
    def tell(what):
        return what.upper()

    @sc.pipeline
    def train(limit: int):
        found = score()
        return tell(sc.when(good(found, limit), lambda: publish(found), lambda: keep()))
    """
    )
    stack = project.open()

    run = stack.pipelines.run("train", {"limit": limit})

    assert project.lines() == [taken]
    assert states(stack, run)[left] == "skipped"
    assert stack.pipelines.result(run.id) == ("PUBLISHED" if taken == "publish" else "KEPT")


def test_when_without_another_branch_gives_none(project: Any) -> None:
    """And a condition inside a branch that was not taken is not asked for."""
    project.write("""
    @sc.step
    def no():
        return False

    @sc.step
    def boom():
        raise RuntimeError

    @sc.step
    def tell(what):
        return what is None

    @sc.pipeline
    def train():
        inner = lambda: sc.when(boom(), lambda: boom())
        return tell(sc.when(no(), inner))
    """)
    stack = project.open()

    run = stack.pipelines.run("train")

    assert stack.pipelines.result(run.id) is True
    assert states(stack, run) == {"no": "finished", "boom": "skipped", "boom#2": "skipped", "tell": "finished"}


def test_a_condition_that_is_neither_true_nor_false_fails_its_node(project: Any) -> None:
    """A frame, say; the run does not end in an error of ours."""
    project.write("""
    import polars as pl

    @sc.step
    def frame():
        return pl.DataFrame({"a": [1]})

    @sc.pipeline
    def train():
        return sc.when(frame(), lambda: frame())
    """)
    stack = project.open()

    run = stack.pipelines.run("train")

    assert run.state == "failed"
    assert "cannot decide sc.when" in run.error


def test_a_result_that_lacks_the_part_fails_the_step_that_wants_it(project: Any) -> None:
    """With a sentence about the result."""
    project.write("""
    @sc.step
    def pair():
        return 1, 2

    @sc.step
    def use(value):
        return value

    @sc.pipeline
    def train():
        return use(pair()[2])
    """)
    stack = project.open()

    run = stack.pipelines.run("train")

    assert "use: the result of pair[2] cannot be taken" in run.error
    assert "tuple of 2 and has no item 2" in run.error


def test_what_a_step_prints_is_kept_and_passed_on(project: Any) -> None:
    """At most the last part of it; on both streams."""
    project.write("""
    import sys

    @sc.step
    def talk():
        print("hello")
        print("careful", file=sys.stderr)
        print("nul \\0 and \\ud800")

    @sc.step
    def chatter():
        for number in range(30_000):
            print("line", number)

    @sc.pipeline
    def train():
        return talk(), chatter()
    """)
    stack = project.open()
    heard = io.StringIO()

    run = stack.pipelines.run("train", echo=heard)

    talk, chatter = stack.pipelines.steps(run.id)
    assert run.state == "finished"
    assert talk.log.startswith("hello\ncareful\nnul ")
    assert "hello\ncareful\n" in heard.getvalue()
    assert len(chatter.log) < 70_000
    assert chatter.log.startswith("[the beginning is left out]")
    assert chatter.log.endswith("line 29999\n")


def test_a_step_that_returns_what_cannot_be_kept_has_failed(project: Any) -> None:
    """The sentence says what can."""
    project.write("""
    @sc.step
    def lines():
        return (line for line in ["a"])

    @sc.pipeline
    def train():
        return lines()
    """)
    stack = project.open()

    run = stack.pipelines.run("train")

    assert "lines: a generator cannot be kept" in run.error


def test_a_context_gives_run_stack_clock_and_seed(project: Any) -> None:
    """The seed is the same for the same step of a run with the same seed."""
    project.write("""
    @sc.step
    def fit(context: sc.Context, depth: int):
        context.run.log({"depth": depth})
        return context.seed, context.clock.now(), context.stack.root.name, context.trigger, context.step

    @sc.pipeline
    def train():
        return fit(depth=3), fit(depth=3)
    """)
    stack = project.open()

    first, second = (stack.pipelines.run("train", seed=seed) for seed in (1, 1))
    other = stack.pipelines.run("train", seed=2)

    one, two = stack.pipelines.result(first.id)
    assert one[1:] == (project.clock.now(), "project", "manual", "fit")
    assert one[0] != two[0]
    assert stack.pipelines.result(second.id) == (one, two)
    assert stack.pipelines.result(other.id)[0][0] != one[0]
    assert stack.experiments.get(first.id).metrics["depth"].value == 3


def test_progress_is_told_as_it_happens(project: Any) -> None:
    """From the first step that runs to the last."""
    project.write("""
    @sc.step
    def one(before=None):
        return 1

    @sc.pipeline
    def train():
        return one(one())
    """)
    heard: list[Progress] = []

    project.open().pipelines.run("train", watch=heard.append)

    assert [(told.node, told.state) for told in heard] == [
        ("one", "running"),
        ("one", "finished"),
        ("one#2", "running"),
        ("one#2", "finished"),
    ]
    assert [told.done for told in heard] == [0, 1, 1, 2]
    assert {told.total for told in heard} == {2}


def test_equal_steps_of_one_run_are_executed_once(project: Any) -> None:
    """The second is taken from the first."""
    project.write(
        """
    @sc.step
    def load(day):
        said(day)
        return day

    @sc.pipeline
    def train():
        return [load("monday"), load("monday")]
    """
    )
    stack = project.open()

    run = stack.pipelines.run("train")

    assert project.lines() == ["monday"]
    assert stack.pipelines.result(run.id) == ["monday", "monday"]


def test_a_cached_value_whose_bytes_are_gone_is_made_again(project: Any) -> None:
    """The run does not fail because somebody emptied the store."""
    project.write(
        """
    @sc.step
    def load():
        said("load")
        return bytes(range(256)) * 400

    @sc.step
    def size(data):
        return len(data)

    @sc.pipeline
    def train():
        return load(), size(load())
    """
    )
    stack = project.open()
    stack.pipelines.run("train")
    for found in list(stack.objects.list("pipelines/")):
        stack.objects.delete(found.key)

    run = stack.pipelines.run("train")

    assert project.lines() == ["load", "load"]
    assert run.state == "finished"


def test_work_that_a_step_records_is_part_of_the_step(project: Any) -> None:
    """Runs and commits made through the context are its children."""
    project.write("""
    @sc.step
    def nested(context: sc.Context):
        with context.stack.spine.record("data.commit") as recording:
            recording.made(sc.Ref("data", "made", "1"))
        return recording.id

    @sc.pipeline
    def train():
        return nested()
    """)
    stack = project.open()

    run = stack.pipelines.run("train").check()

    inner = stack.spine.executions.get(stack.pipelines.result(run.id))
    (step,) = stack.pipelines.steps(run.id)
    assert inner.parent == step.execution
    assert inner.code == run.code
    assert stack.spine.executions.get(step.execution).parent == run.id


def test_a_branch_runs_beside_another_in_worker_processes(project: Any) -> None:
    """Two steps that wait for each other both end."""
    project.write("""
    import time

    @sc.step(timeout_s=30)
    def meet(mine, other):
        (HERE / mine).touch()
        while not (HERE / other).exists():
            time.sleep(0.005)
        return mine

    @sc.step
    def both(one, two):
        return one + two

    @sc.pipeline
    def train():
        return both(meet("a", "b"), meet("b", "a"))
    """)
    stack = project.open(executor="processes:2", slots=2)

    run = stack.pipelines.run("train")

    assert run.error is None
    assert stack.pipelines.result(run.id) == "ab"


def test_a_worker_process_that_is_killed_fails_only_its_attempt(project: Any) -> None:
    """The step is tried again in another one."""
    project.write("""
    import os, signal

    @sc.step(retries=1)
    def dies():
        if not (HERE / "died").exists():
            (HERE / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    @sc.pipeline
    def train():
        return dies()
    """)
    stack = project.open(executor="processes:1")

    run = stack.pipelines.run("train")

    assert stack.pipelines.result(run.id) == "alive"
    failed = [found for found in stack.spine.executions.search(kind="pipelines.step") if found.state == "failed"]
    assert "SIGKILL" in str(failed[0].error)


def test_a_step_that_hangs_in_a_worker_process_ends_with_it(project: Any) -> None:
    """Also where Python cannot be interrupted."""
    project.write("""
    import threading

    @sc.step(timeout_s=0.3)
    def hangs():
        threading.Lock().acquire() and None
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    @sc.pipeline
    def train():
        return hangs()
    """)
    stack = project.open(executor="processes:1")

    run = stack.pipelines.run("train")

    assert "took longer than 0.3 s" in run.error


def test_code_that_changes_while_a_run_goes_on_is_not_executed(project: Any) -> None:
    """Its result would be kept under the key of the old code."""
    code = """

    @sc.step
    def edit():
        path = HERE / "pipelines.py"
        path.write_text(path.read_text().replace("return 'old'", "return 'new'"))

    @sc.step
    def read(after):
        return 'old'

    @sc.pipeline
    def train():
        return read(edit())
    """
    project.write(code)
    stack = project.open(executor="processes:1")

    run = stack.pipelines.run("train")

    assert "the code of the step read changed while the pipeline was running" in run.error


def test_two_runs_of_one_process_do_not_disturb_each_other(project: Any) -> None:
    """In threads, as a server might."""
    project.write("""
    @sc.step(cache=False)
    def add(value, number):
        return value + number

    @sc.pipeline
    def train(start: int):
        value = start
        for number in range(20):
            value = add(value, number)
        return value
    """)
    stack = project.open()
    results: dict[int, object] = {}

    def work(start: int) -> None:
        results[start] = stack.pipelines.result(stack.pipelines.run("train", {"start": start}).id)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == {start: start + 190 for start in range(3)}


def test_inputs_are_pinned_when_the_run_starts(project: Any) -> None:
    """A version that comes meanwhile is for the next run; lineage and the tracked run name the one that was read."""
    project.write("""
    from opened_project import Tables

    @sc.step(cache=False)
    def meanwhile():
        Tables(HERE).write("flights", 2, delay=[10, 20])

    @sc.step
    def total(frame, after):
        return frame["delay"].sum()

    @sc.pipeline
    def train():
        return total(sc.dataset("flights", columns=["delay"]), meanwhile())
    """)
    stack = project.open()
    stack.tables.write("flights", 1, delay=[1, 2], carrier=["AA", "UA"])

    first = stack.pipelines.run("train")
    second = stack.pipelines.run("train")

    assert [stack.pipelines.result(run.id) for run in (first, second)] == [3, 30]
    assert [str(run.pins["data:flights"].ref) for run in (first, second)] == ["data:flights@1", "data:flights@2"]
    reached = stack.spine.lineage.upstream(second.ref)
    assert Ref.parse("data:flights@2") in reached.refs
    assert Ref.parse("data:flights@1") not in reached.refs
    (given,) = stack.experiments.get(first.id).inputs
    assert (given.name, given.source) == ("flights", "data:flights@1")


def test_a_data_set_that_is_missing_stops_the_run_before_it_starts(project: Any) -> None:
    """Nothing is recorded of a run that could not begin."""
    project.write("""
    @sc.step
    def use(frame):
        return frame

    @sc.pipeline
    def train():
        return use(sc.dataset("flihgts"))
    """)
    stack = project.open()

    with pytest.raises(Exception, match="flihgts"):
        stack.pipelines.run("train")
    assert stack.pipelines.runs() == []


@pytest.mark.parametrize("executor", ["inline:", "processes:2"])
def test_parts_of_results_go_on_at_once(project: Any, executor: str) -> None:
    """Of a step, of a mapped step, and of a choice, before anything else was written."""
    project.write(
        """
        import polars as pl

        @sc.step
        def split(number):
            return pl.DataFrame({"a": [number]}), pl.DataFrame({"a": [-number]})

        @sc.step
        def first(frame):
            return frame["a"][0]

        @sc.pipeline
        def train():
            pairs = sc.map(split, [1, 2])
            taken = sc.when(first(pairs[0][0]), lambda: {"kept": pairs[1]})
            return first(pairs[1][1]), first(taken["kept"][0]), sc.map(first, pairs[0])
        """
    )
    stack = project.open(executor=executor)

    run = stack.pipelines.run("train")

    assert run.error is None
    assert stack.pipelines.result(run.id) == (-2, 2, [1, -1])


@pytest.mark.parametrize("executor", ["inline:", "processes:1"])
def test_rows_without_versions_are_kept_when_the_run_starts(project: Any, executor: str) -> None:
    """What a log holds later is for the next run; a resumed one reads what it had."""
    project.write(
        """
        @sc.step(cache=False)
        def count(rows):
            with (HERE / "tables" / "log" / "delay.csv").open("a") as file:
                file.write("3,x\\n")
            said("count")
            if len((HERE / "calls").read_text().splitlines()) == 1:
                raise OSError("not now")
            return rows.columns, rows.height

        @sc.pipeline
        def train():
            return count(sc.dataset("log/delay", columns=["a"]))
        """
    )
    (project.root / "tables" / "log").mkdir(parents=True)
    (project.root / "tables" / "log" / "delay.csv").write_text("a,b\n1,x\n2,x\n")
    stack = project.open(executor=executor)
    failed = stack.pipelines.run("train")

    assert stack.pipelines.result(stack.pipelines.resume(failed.id).id) == (["a"], 2)
    assert stack.pipelines.result(stack.pipelines.run("train").id) == (["a"], 4)
    project.write("@sc.step\ndef a(x):\n    pass\n@sc.pipeline\ndef wrong():\n    return a(sc.dataset('log/dely'))\n")
    with pytest.raises(Exception, match="log/dely"):
        stack.pipelines.run("wrong")
