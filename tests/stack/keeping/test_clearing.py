"""Bytes that nothing names go; what somebody is about to name stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from stackcanvas.cli.main import main
from stackcanvas.clock import SystemClock
from stackcanvas.errors import Conflict, Unavailable
from stackcanvas.experiments.removing import remove_runs
from stackcanvas.pipelines import removing as steps
from stackcanvas.pipelines.encoding import encode
from stackcanvas.pipelines.run import RunRecords
from stackcanvas.pipelines.values import Stored
from stackcanvas.registry import ModelVersion, Registry
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


def fitted(seed: int) -> LogisticRegression:
    """A model that is another one for each seed."""
    rows = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    return LogisticRegression(C=1.0 + seed).fit(rows, [0, 0, 1, 1])


def register(stack: Stack, seed: int, *, first: float = 0.0) -> ModelVersion:
    """Register one, with rows that begin with a number."""
    return stack.registry.register("m", fitted(seed), sample=pl.DataFrame({"x": [first, 1.0, 2.0, 3.0]}))


def test_files_of_deleted_models_go_and_no_others(stack: Stack) -> None:
    """What another version has too stays, and what answers at an endpoint; what was never recorded has a day."""
    first, second, live = (register(stack, seed) for seed in range(3))
    stack.deployment.deploy("m", live.ref)
    stack.objects.put("models/ab/" + "ab" * 32, b"on its way")
    before = {one.what: one.size_bytes for one in usage(stack)}
    stack.registry.delete(first.ref)
    stack.registry.delete(live.ref, force=True)
    alone = set(first.files.values()) - set(second.files.values()) - set(live.files.values())

    told = stack.keeping.gc(dry=True)
    assert told.models == len(alone) > 0
    done = stack.keeping.gc()

    assert (done.models, done.models_bytes) == (told.models, told.models_bytes)
    after = {one.what: one.size_bytes for one in usage(stack)}
    assert before["objects: models"] - after["objects: models"] == done.models_bytes
    assert stack.registry.verify(second.ref)[0].ok
    kept = {info.key.rpartition("/")[2] for info in stack.objects.list("models/")}
    assert kept == {*second.files.values(), *live.files.values(), "ab" * 32}
    assert stack.keeping.gc().models == 0
    again = register(stack, 0)
    assert stack.registry.verify(again.ref)[0].ok


def test_a_model_with_the_bytes_of_a_deleted_one_is_whole_or_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cleared up between the storing of its files and its number, it says so; done again, it is there."""
    stack.registry.delete(register(stack, 1).ref)
    stored = Registry._kept

    def meanwhile(*given: Any, **more: Any) -> ModelVersion:
        made = stored(*given, **more)
        assert stack.keeping.gc().models > 0
        return made

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "_kept", meanwhile)
        with pytest.raises(Conflict, match=r"cleared up meanwhile\. Do it again"):
            register(stack, 1)
    assert stack.registry.versions("m") == []
    assert stack.registry.verify(register(stack, 1).ref)[0].ok


def test_clearing_that_stops_half_way_goes_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it had removed, nothing that is named is among it, and the next one takes the rest."""
    gone, kept = register(stack, 1, first=0.5), register(stack, 2)
    stack.registry.delete(gone.ref)
    delete, removed = stack.objects.delete, 0

    def failing(key: str) -> None:
        nonlocal removed
        removed += key.startswith("models/")
        if removed > 1:
            raise Unavailable("the store went away")
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(stack.objects, "delete", failing)
        with pytest.raises(Unavailable):
            stack.keeping.gc()
    assert stack.registry.verify(kept.ref)[0].ok
    assert stack.keeping.gc().models == len(set(gone.files.values()) - set(kept.files.values())) - 1
    assert stack.registry.verify(kept.ref)[0].ok
