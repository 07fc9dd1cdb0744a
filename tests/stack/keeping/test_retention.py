"""What is older than the canvas lets it be kept goes, unless something needs it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from stackcanvas.cli.main import main
from stackcanvas.clock import ManualClock
from stackcanvas.errors import NotFound
from stackcanvas.experiments import RunInfo
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.fsck import fsck
from stackcanvas.stack.heads import Heads, verify
from stackcanvas.stack.unserved import unserved
from stackcanvas.stack.usage import usage
from stackcanvas.testing.prediction_log import LogWriter
from tests.stack.keeping.conftest import later, orders

SAMPLE = pl.DataFrame({"calls": np.linspace(-1, 1, 50, dtype=np.float32)})


def track(stack: Stack, name: str, **more: Any) -> str:
    """A run with a metric, a parameter and a file; its id."""
    with stack.experiments.run("trials", name=name, parameters={"depth": 3}, **more) as run:
        run.log({"auc": 0.7})
        run.log_artifact("note.txt", name.encode() * 1000)
    return run.id


def names(stack: Stack) -> list[str]:
    """The runs that are there."""
    found: list[RunInfo] = stack.experiments.search()
    return sorted(one.name for one in found)


def counts(found: Any) -> dict[str, tuple[int, int]]:
    """By kind how many go, and how many are needed."""
    return {one.what: (one.count, one.needed) for one in found}


def test_old_runs_go_and_what_a_model_comes_from_stays(stack: Stack, clock: ManualClock) -> None:
    """With metrics and files; the record of the work stays, and what a model needs stays whole."""
    stack.data.commit("orders", orders(1))
    gone = track(stack, "old")
    with (
        stack.experiments.run("trials", name="parent") as parent,
        stack.experiments.run("trials", name="trained", parent=parent.id) as trained,
    ):
        model = LogisticRegression().fit(SAMPLE, SAMPLE["calls"].to_numpy() > 0)
        trained.log({"auc": 0.8})
        stack.registry.register("churn", model, sample=SAMPLE, run=Ref("run", trained.id))
    later(clock, days=20)
    track(stack, "young")
    later(clock, days=15)

    assert counts(stack.keeping.plan())["runs"] == (1, 2)
    assert names(stack) == ["old", "parent", "trained", "young"]
    done = stack.keeping.retain()

    assert counts(done.going)["runs"] == (1, 2)
    assert done.cleared.runs == 1
    assert names(stack) == ["parent", "trained", "young"]
    with pytest.raises(NotFound, match="Retention gave it up"):
        stack.experiments.get(gone)
    assert list(stack.objects.list(f"runs/{gone}/")) == []
    assert stack.spine.executions.get(gone).state == "done"
    assert stack.experiments.metrics(trained.id, "auc")[0].value == 0.8
    assert fsck(stack).damage == ()
    (entry,) = [one for one in stack.spine.audit.entries() if one.action == "metadata.retained"]
    assert entry.detail["runs"] == 1


def test_deleted_runs_go_sooner(stack: Stack, clock: ManualClock) -> None:
    """By the time of their deletion; until then they can be restored."""
    run_id = track(stack, "deleted")
    track(stack, "kept")
    with stack.spine.write() as tx:
        stack.experiments.runs.mark(tx, run_id, "deleted")
    later(clock, days=4)
    assert counts(stack.keeping.plan())["runs"] == (0, 0)

    later(clock, days=2)
    stack.keeping.retain()

    assert names(stack) == ["kept"]
    with pytest.raises(NotFound):
        stack.experiments.get(run_id)


def test_data_goes_that_no_registered_model_needs(stack: Stack, clock: ManualClock) -> None:
    """What runs of old have read may go with them; what a model was trained on, what has a tag and the newest stay."""
    for number in range(5):
        stack.data.commit("orders", orders(number))
    stack.data.tag("orders@2", "report")
    with stack.experiments.run("reads"):
        stack.data.read("orders@1")
    model = LogisticRegression().fit(SAMPLE, SAMPLE["calls"].to_numpy() > 0)
    stack.registry.register("churn", model, sample=SAMPLE, training=Ref("data", "orders", "3"))
    later(clock, days=31)

    assert counts(stack.keeping.plan())["data versions"] == (2, 3)
    before = {one.what: one.size_bytes for one in usage(stack)}
    stack.keeping.retain()

    after = {one.what: one.size_bytes for one in usage(stack)}
    assert after["objects: data"] < before["objects: data"]
    assert [one.number for one in stack.data.log("orders") if one.forgotten is None] == [5, 3, 2]
    assert stack.data.read("orders@3").height == 100
    assert fsck(stack).damage == ()


def test_days_of_predictions_go_and_what_they_earned_stays(stack: Stack, clock: ManualClock, root: Path) -> None:
    """A payoff that changes later does not take it away, and it is said which days could not be counted anew."""
    model = LogisticRegression().fit(SAMPLE, SAMPLE["calls"].to_numpy() > 0)
    stack.deployment.deploy("churn", stack.registry.register("churn", model, sample=SAMPLE).ref)
    writer = LogWriter(root / ".stackcanvas" / "predictions")
    start = clock.now()
    ids = writer.write([start, start + timedelta(days=10)], endpoint="churn", columns=("calls",))
    stack.serving.log.compact()
    for path in (root / ".stackcanvas" / "predictions" / "churn").iterdir():
        os.utime(path, (start.timestamp(), start.timestamp()))
    stack.monitoring.labels.add(
        "churn", pl.DataFrame({"prediction_id": ids, "value": [True, True], "observed_at": [start, start]})
    )
    before = stack.value.earned("churn")
    later(clock, days=11)

    assert counts(stack.keeping.plan())["days of predictions of churn"] == (1, 0)
    stack.keeping.retain()

    assert stack.serving.log.counts("churn").predictions == 1
    assert stack.value.earned("churn") == before
    text = (root / "canvas.yaml").read_text().replace("worth: 3", "worth: 4")
    (root / "canvas.yaml").write_text(text)
    with open_stack(root, clock=clock) as other:
        found = other.value.earned("churn")
        assert [(one.day, one.decisions, one.earlier_payoff) for one in found] == [
            (before[0].day, before[0].decisions, True),
            (before[1].day, before[1].decisions, False),
        ]
        assert found[0].worth == before[0].worth
        assert other.value.settle("churn") == 0  # asked once, and remembered


def test_replayed_predictions_of_old_are_kept_as_long_as_those_of_today(
    stack: Stack, clock: ManualClock, root: Path
) -> None:
    """A day counts from when it was written, too."""
    writer = LogWriter(root / ".stackcanvas" / "predictions")
    writer.write([clock.now() - timedelta(days=900)], endpoint="churn")
    stack.serving.log.compact()

    assert "days of predictions of churn" not in counts(stack.keeping.plan())


def test_the_audit_log_is_cut_at_a_published_head(stack: Stack, clock: ManualClock) -> None:
    """What stays is verified from there on; a cut that no head confirms is found."""
    heads = Heads(stack)
    for number in range(3):
        stack.data.commit("orders", orders(number))
    heads.tick(clock.now())
    later(clock, days=1)
    stack.data.commit("orders", orders(9))
    later(clock, days=40)

    assert counts(stack.keeping.plan())["audit log"] == (3, 1)
    stack.keeping.retain()

    assert [one.action for one in stack.spine.audit.entries()][-1] == "data.commit"
    assert min(one.sequence for one in stack.spine.audit.entries()) == 4
    assert verify(stack) == []
    assert verify(stack) == stack.spine.audit.verify()
    assert "is said to be the last" in stack.spine.audit.verify(heads=[(2, "a" * 64)])[0].what
    assert "differs" in stack.spine.audit.verify(heads=[(3, "a" * 64)])[0].what
    assert counts(stack.keeping.plan())["audit log"][0] == 0


def test_results_of_steps_go_when_they_were_not_used_for_long(stack: Stack, clock: ManualClock) -> None:
    """Those of runs that are used stay cached; a result that went is computed anew."""
    stack.data.commit("orders", orders(1))
    stack.pipelines.run("count", {"times": 50}).check()
    stack.pipelines.run("count", {"times": 60}).check()
    later(clock, days=15)
    again = stack.pipelines.run("count", {"times": 60}).check()
    assert {step.state for step in stack.pipelines.steps(again.id)} == {"cached"}
    later(clock, days=10)

    assert counts(stack.keeping.plan())["results of steps"] == (2, 0)
    done = stack.keeping.retain()

    assert done.cleared.values == 2
    assert len(list(stack.objects.list("pipelines/values/"))) == 1
    assert stack.pipelines.result(again.id) == 60 * orders(1)["amount"].sum()
    once_more = stack.pipelines.run("count", {"times": 50}).check()
    assert {step.state for step in stack.pipelines.steps(once_more.id)} == {"finished"}
    assert stack.keeping.gc(dry=True).values == 0


def test_a_worker_applies_it_once_a_day(stack: Stack, clock: ManualClock) -> None:
    """However many workers there are, and however often they look."""
    track(stack, "old")
    later(clock, days=31)
    ticks = stack.ticks()

    assert ticks["retention"](clock.now()) is not None
    assert ticks["retention"](clock.now()) is None
    other = type(stack.keeping)(stack)
    assert other.tick(clock.now()) is None
    later(clock, days=1)
    assert other.tick(clock.now()) is not None
    assert len(stack.keeping.applied()) == 2
    assert names(stack) == []


def test_what_is_said_is_done(stack: Stack) -> None:
    """Nothing of it stands among the answers that are not served."""
    assert [one.question for one in unserved(stack.canvas)] == []


def test_nothing_goes_without_an_answer(tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]) -> None:
    """A canvas that says nothing keeps all for good, and the command says so."""
    (tmp_path / "canvas.yaml").write_text("{stackcanvas: 1, project: {name: quiet}}")
    with open_stack(tmp_path, clock=clock) as stack:
        track(stack, "old")
        later(clock, days=9000)
        assert stack.keeping.plan() == []
        assert stack.keeping.tick(clock.now()) is None
        assert names(stack) == ["old"]

    assert main(["--project", str(tmp_path), "metadata", "retain", "--plan"]) == 0
    assert "metadata.governance" in capsys.readouterr().err
