"""Bytes that nothing names go; what somebody is about to name stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from stackcanvas.cli.main import main
from stackcanvas.clock import SystemClock
from stackcanvas.experiments.removing import remove_runs
from stackcanvas.pipelines import removing as steps
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.run import RunRecords
from stackcanvas.pipelines.values import Stored
from stackcanvas.stack import Stack
from stackcanvas.stack.fsck import fsck
from stackcanvas.stack.usage import usage
from tests.stack.keeping.conftest import orders

_AT_ONCE = timedelta(0)
_FRAME = pl.DataFrame({"x": pl.int_range(20_000, eager=True).shuffle(seed=1)})


class Meanwhile(RunRecords):
    """Does something between the mark and the removal, where running pipelines are waited for."""

    def __init__(self, stack: Stack, act: Callable[[], object]) -> None:
        super().__init__(stack.spine, wall=SystemClock())
        self._act = act

    def at_work(self) -> set[str]:
        """Who is at work then."""
        self._act()
        return super().at_work()


def forget_runs(stack: Stack) -> None:
    """No run and no entry of the cache names a result any more."""
    ids = [one.id for one in stack.pipelines.runs()]
    with stack.spine.write() as tx:
        steps.remove_runs(tx, ids)
        remove_runs(tx, ids)
        steps.remove_keys(tx, steps.old_keys(tx, used=stack.spine.clock.now() + timedelta(days=1)))


def test_what_nothing_names_goes_and_the_books_agree(stack: Stack, root: object) -> None:
    """Files of runs and results of steps; `du` is less by what is told, `fsck` finds nothing, a second time is idle."""
    stack.data.commit("orders", orders(1))
    kept = stack.pipelines.run("count", {"times": 60}).check()
    with stack.experiments.run("trials") as run:
        run.log_artifact("note.txt", b"x" * 5000)
    stack.objects.put("runs/0123456789abcdef0123456789abcdef/artifacts/note.txt", b"y" * 3000)
    stack.objects.put("pipelines/values/ab/" + "ab" * 32, b"z" * 20_000)
    before = {one.what: one.size_bytes for one in usage(stack)}

    told = stack.keeping.gc(dry=True)
    assert (told.runs, told.runs_bytes, told.values, told.values_bytes) == (1, 3000, 1, 20_000)
    done = stack.keeping.gc()

    assert (done.runs, done.values, done.waiting) == (1, 1, ())
    after = {one.what: one.size_bytes for one in usage(stack)}
    assert before["objects: runs"] - after["objects: runs"] == done.runs_bytes
    assert before["objects: pipelines"] - after["objects: pipelines"] == done.values_bytes
    assert fsck(stack).damage == ()
    assert stack.experiments.artifacts(run.id)[0].path == "note.txt"
    assert stack.pipelines.result(kept.id) == 60 * orders(1)["amount"].sum()
    again = stack.keeping.gc()
    assert (again.runs, again.values) == (0, 0)


def test_a_run_that_makes_a_condemned_result_again_keeps_it(stack: Stack) -> None:
    """Its steps find nothing in the cache, and what they make is there afterwards."""
    stack.data.commit("orders", orders(1))
    stack.pipelines.run("count").check()
    forget_runs(stack)
    made = []
    records = Meanwhile(stack, lambda: made.append(stack.pipelines.run("count").check()))

    done = steps.Clearing(stack.spine, stack.objects, records).clear(patience=_AT_ONCE)

    assert done.values == 0
    assert stack.pipelines.result(made[0].id) == 50 * orders(1)["amount"].sum()
    assert stack.pipelines.run("count").check().state == "finished"


def test_a_result_is_written_anew_by_who_needs_it_before_it_is_recorded(stack: Stack) -> None:
    """Bytes that were there already count for nothing once they are condemned."""
    values = stack.pipelines.values
    with stack.spine.write() as tx:
        values.record(tx, values.keep(encode(_FRAME)))
    kept: list[Stored] = []
    records = Meanwhile(stack, lambda: kept.extend(values.keep(encode(_FRAME))) if not kept else None)

    steps.Clearing(stack.spine, stack.objects, records).clear(patience=_AT_ONCE)
    with stack.spine.write() as tx:
        values.record(tx, kept)

    assert values.load(values.find(kept[0].digest)).equals(_FRAME)
    assert values.is_there(kept[0])


def test_the_command_tells_what_it_did(stack: Stack, root: object, capsys: pytest.CaptureFixture[str]) -> None:
    """As a table for people, whole for programs."""
    stack.objects.put("runs/0123456789abcdef0123456789abcdef/artifacts/note.txt", b"y" * 3000)
    project = str(stack.root)

    assert main(["--project", project, "metadata", "gc", "--dry-run", "--format", "json"]) == 0
    assert '"runs": 1' in capsys.readouterr().out
    assert main(["--project", project, "metadata", "gc"]) == 0
    assert main(["--project", project, "metadata", "retain", "--plan"]) == 0
    assert "runs" in capsys.readouterr().out
    assert main(["--project", project, "metadata", "retain", "--format", "json"]) == 0
    assert list(stack.objects.list("runs/")) == []
