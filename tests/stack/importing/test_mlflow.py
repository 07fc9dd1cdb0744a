"""What MLflow holds comes in with its ids, times, numbers and files, once, and again only where it has changed."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stackcanvas.cli.main import main
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.metadata import Ref
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack
from stackcanvas.stack.fsck import fsck
from stackcanvas.stack.importing import Imported

from .conftest import make

Seen = Callable[[Stack], dict[str, object]]


def counts(done: Imported) -> dict[str, tuple[int, int, int, int]]:
    """New, changed, same and left out, by kind."""
    return {one.kind: (one.new, one.changed, one.same, one.left_out) for one in done.counts}


ALL_NEW = {
    "experiment": (3, 0, 0, 0),
    "run": (6, 0, 0, 0),
    "logged model": (1, 0, 0, 0),
    "model version": (3, 0, 0, 0),
    "model": (3, 0, 0, 0),
}
ALL_SAME = {kind: (0, 0, new, 0) for kind, (new, *_) in ALL_NEW.items()}


@pytest.mark.parametrize("kind", ["mlruns", "mlflow_db"])
def test_everything_comes_in(any_stack: Stack, kind: str, request: pytest.FixtureRequest) -> None:
    """Runs with every point, model versions with their gaps, the way from a version back to its run."""
    done = any_stack.imports.mlflow(str(request.getfixturevalue(kind)))

    traces = {"trace": (0, 0, 0, 1)} if kind == "mlflow_db" else {}
    assert counts(done) == {**ALL_NEW, **traces}
    assert [left.kind for left in done.left_out] == list(traces)
    (run,) = any_stack.experiments.search("churn", where="name = 'logistic'")
    assert (run.status, run.actor, run.tags["stage"]) == ("finished", "root", "first")
    assert run.parameters["note"] == "Ärger über 'Größe'\nzwei Zeilen"
    assert [one.value for one in any_stack.experiments.metrics(run.id, "loss")] == [1.0, 0.5, 1 / 3, 0.25, 0.2]
    odd = [one.value for one in any_stack.experiments.metrics(run.id, "odd")]
    assert (math.isnan(odd[0]), odd[1:]) == (True, [math.inf, -math.inf])
    assert [(one.name, one.tags) for one in run.inputs] == [("churn", {"mlflow.data.context": "training"})]
    assert any_stack.experiments.files.get(run.id, "notes/read me.txt") == b"as it was\n"
    assert [child.name for child in any_stack.experiments.children(run.id)] == ["fold"]
    assert [one.name for one in any_stack.experiments.search(where="metrics.`folds/auc` > 0.7")] == ["fold"]
    assert {row["what"] for row in any_stack.experiments.compare([run.id, any_stack.experiments.search()[0].id])}
    gone = any_stack.experiments.catalog.get("abandoned")
    assert gone.lifecycle == "deleted"

    churn = any_stack.registry.versions("churn")
    assert [(one.number, one.stage, one.message, one.format) for one in churn] == [
        (3, "None", "try 2", "skops"),
        (1, "Archived", "try 0", "skops"),
    ]
    assert any_stack.registry.get("churn@champion").number == 3
    assert churn[0].run == run.ref
    assert [column.name for column in churn[0].signature.inputs] == ["visits", "age"]
    assert churn[0].tags["stackcanvas.imported"] == done.source
    assert churn[1].tags["checked"] == "yes"
    back = any_stack.spine.lineage.upstream(Ref("model", "churn", "3"))
    assert [one.id for one in back.executions] == [run.id]
    assert any_stack.registry.versions("weights")[0].files.keys() == {"weights.txt"}
    assert [one.source_run for one in any_stack.experiments.models.search(experiments=[run.experiment_id])] == [run.id]
    assert fsck(any_stack).damage == ()
    # What is numbered from here on does not clash with what came.
    assert any_stack.experiments.catalog.create("a new one") not in {run.experiment_id, gone.id}


def test_again_changes_nothing(stack: Stack, mlflow_db: Path, seen: Seen) -> None:
    """A second import finds all as it is, writes no version, and asks nothing of the files."""
    stack.imports.mlflow(str(mlflow_db))
    before, audit = seen(stack), stack.spine.audit.head()[0]

    again = stack.imports.mlflow(f"sqlite:///{mlflow_db}")

    assert counts(again) == {**ALL_SAME, "trace": (0, 0, 0, 1)}
    assert (again.new, again.changed, again.size_bytes) == (0, 0, 0)
    assert seen(stack) == before
    assert stack.spine.audit.head()[0] == audit + 1
    assert stack.spine.audit.verify() == []


def test_a_plan_writes_nothing_and_is_right(stack: Stack, mlruns: Path) -> None:
    """It tells what the import then does."""
    planned = stack.imports.mlflow(str(mlruns), plan=True)

    assert (stack.experiments.count(), stack.registry.ls()) == (0, [])
    assert list(stack.objects.list()) == []
    done = stack.imports.mlflow(str(mlruns))
    assert counts(planned) == counts(done)
    assert planned.size_bytes == done.size_bytes > 10_000


def test_what_changed_there_changes_here_and_what_was_added_here_stays(stack: Stack, mlflow_db: Path) -> None:
    """New points, tags, stages and aliases arrive; our own tags and alias are not touched."""
    stack.imports.mlflow(str(mlflow_db))
    (run,) = stack.experiments.search("churn", where="name = 'logistic'")
    stack.experiments.tracking.log(run.id, tags={"mine": "kept"})
    stack.registry.alias("churn@1", "ours")
    with sqlite3.connect(mlflow_db) as there:
        there.execute("INSERT INTO metrics VALUES ('loss', 0.1, 1795478769999, ?, 5, 0)", (run.id,))
        there.execute("UPDATE latest_metrics SET value = 0.1, step = 5 WHERE key = 'loss' AND run_uuid = ?", (run.id,))
        there.execute("UPDATE tags SET value = 'second' WHERE key = 'stage' AND run_uuid = ?", (run.id,))
        there.execute("UPDATE model_versions SET current_stage = 'Production' WHERE name = 'churn' AND version = 3")
        there.execute("UPDATE registered_model_aliases SET version = 1 WHERE name = 'churn'")

    done = stack.imports.mlflow(str(mlflow_db))

    assert counts(done)["run"] == (0, 1, 5, 0)
    assert counts(done)["model version"] == (0, 1, 2, 0)
    found = stack.experiments.get(run.id)
    assert (found.metrics["loss"].value, found.tags["stage"], found.tags["mine"]) == (0.1, "second", "kept")
    assert [one.value for one in stack.experiments.metrics(run.id, "loss")][-2:] == [0.2, 0.1]
    assert stack.registry.get("churn@3").stage == "Production"
    assert stack.registry.model("churn").aliases == {"champion": 1, "ours": 1}


def test_what_is_here_by_that_name_is_never_touched(stack: Stack, mlflow_db: Path) -> None:
    """An experiment of the name takes the runs in; a model of the name is left alone, and both are told."""
    stack.experiments.catalog.create("mine")  # takes the number 1
    stack.registry.changes.create("churn", description="Ours.")

    done = stack.imports.mlflow(str(mlflow_db))

    assert (done.mapped[0].kind, done.mapped[0].there) == ("experiment", "1 (churn)")
    assert stack.experiments.catalog.get("churn").id == int(done.mapped[0].here) != 1
    assert [(left.kind, left.name) for left in done.left_out] == [("model", "churn"), ("trace", "1 of them")]
    assert (stack.registry.model("churn").description, stack.registry.versions("churn")) == ("Ours.", [])


def test_the_canvas_is_not_asked_and_the_version_says_so(tmp_path: Path, mlflow_db: Path) -> None:
    """What the canvas would have refused stands on the version."""
    root = make(tmp_path / "strict")
    (root / "canvas.yaml").write_text((root / "canvas.yaml").read_text() + "data: {versioning: mandatory}\n")
    with open_stack(root) as stack:
        stack.imports.mlflow(str(mlflow_db))

        said = stack.registry.get("churn@3").tags["stackcanvas.unchecked"]

    assert said.startswith("it names no version of its training data")


def test_broken_entries_are_told_and_the_others_come(stack: Stack, mlruns: Path) -> None:
    """Half a file, a wrong number, a key that is too much: each costs its own entry only."""
    names = {path: path.read_text() for path in mlruns.glob("*/*/meta.yaml")}
    by_name = {
        name: path for path, text in names.items() for name in ("fold", "failed", "of Default") if f": {name}\n" in text
    }
    by_name["fold"].write_text("[half")
    by_name["failed"].write_text(names[by_name["failed"]].replace("start_time: ", "start_time: 9999999999999"))
    (by_name["of Default"].parent / "metrics" / "loss").write_text("12 not-a-number\n")
    next(mlruns.glob("models/churn/version-1/meta.yaml")).write_bytes(b"\0\xff")

    done = stack.imports.mlflow(str(mlruns))

    assert sorted(left.kind for left in done.left_out) == ["model version", "run", "run", "run"]
    assert [run.name for run in stack.experiments.search()] == ["logistic"]
    assert [one.number for one in stack.registry.versions("churn")] == [3]
    assert stack.registry.versions("weights")[0].run is None  # its run could not come


def test_a_store_cannot_make_us_read_other_files(stack: Stack, mlruns: Path, tmp_path: Path) -> None:
    """Links and locations that lead out of the store are reported, and nothing behind them is kept."""
    secret = tmp_path / "secret.txt"
    secret.write_text("not yours")
    for folder in mlruns.glob("*/*/artifacts"):
        if folder.parent.parent.name != "models":
            (folder / "link.txt").symlink_to(secret)
    run = next(one for one in mlruns.glob("0/*/meta.yaml"))
    shutil.rmtree(run.parent / "artifacts")
    run.write_text(run.read_text().replace("artifact_uri: ", f"artifact_uri: {tmp_path.as_uri()} # "))

    done = stack.imports.mlflow(str(mlruns))

    assert not any("link.txt" in info.key or "secret" in info.key for info in stack.objects.list())
    assert any("outside of the store" in left.why for left in done.left_out)
    again = stack.imports.mlflow(str(mlruns), artifacts=str(tmp_path))
    assert counts(again)["run"][1] == 1  # the run whose files were missing is tried again
    assert stack.experiments.files.get(run.parent.name, "secret.txt") == b"not yours"


def test_two_imports_at_once_are_one(stack: Stack, mlflow_db: Path, seen: Seen, tmp_path: Path) -> None:
    """Both end well, and what is here is what one import gives."""
    failed: list[BaseException] = []

    def take() -> None:
        try:
            stack.imports.mlflow(str(mlflow_db))
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    with open_stack(make(tmp_path / "other")) as alone:
        alone.imports.mlflow(str(mlflow_db))
        assert seen(stack) == seen(alone)


def test_the_command(project: Path, mlruns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table and sentences for people, everything for programs, a word for what is no store."""
    words = ["--project", str(project), "import", "mlflow"]

    assert main([*words, str(mlruns)]) == 0
    said = capsys.readouterr()
    assert "model version" in said.out
    assert "came in from file:" in said.err
    assert main([*words, str(mlruns), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["planned"] is False
    assert main([*words, str(project)]) == 3
    assert "holds no experiments of MLflow" in capsys.readouterr().err
    assert main([*words, "databricks://there"]) == 3
    assert main([*words, str(project / "nothing.db")]) == 4
    capsys.readouterr()


def test_what_is_no_store_is_said_plainly(stack: Stack, tmp_path: Path) -> None:
    """Garbage, another database, an unknown driver."""
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"SQLite format 3\0" + b"\xff" * 500)
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).execute("CREATE TABLE runs (run_uuid TEXT)")

    for given in (garbage, empty, "oracle+nothing://x", "http://", "http://localhost:port"):
        with pytest.raises((BadInput, NotFound, Exception), match=r".") as caught:
            stack.imports.mlflow(str(given))
        assert type(caught.value).__module__ == "stackcanvas.errors"
