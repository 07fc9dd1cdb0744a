"""What a changed canvas alters, what apply records, and what up refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stackcanvas as sc
from stackcanvas.canvas import Canvas, loads
from stackcanvas.errors import Corrupt, Refused
from stackcanvas.stack.moving import move
from stackcanvas.stack.planning import Effect, admit, applied, apply, plan, plan_of


def canvas(rest: str = "") -> Canvas:
    """A small canvas."""
    return loads(f"stackcanvas: 1\nproject: {{name: demo}}\n{rest}\n")


@pytest.mark.parametrize(
    ("before", "after", "path", "effect"),
    [
        ("", "value: {goal: more}", "value.goal", Effect.NOTHING),
        ("", "experiments: {metrics: [{name: auc, direction: higher}]}", "experiments.metrics", Effect.RELOAD),
        ("", "pipelines: {retraining: [{pipeline: a}]}", "pipelines.retraining", Effect.RESTART),
        ("", "serving: {distributed: {needed: true, replicas: 2}}", "serving.distributed", Effect.RESTART),
        ("", "data: {storage: {objects: 's3://b/x'}}", "data.storage.objects", Effect.MOVE),
        ("", "data: {storage: {lake: lake}}", "data.storage.lake", Effect.RELOAD),
        ("", "metadata: {store: {url: 'postgresql://h/d'}}", "metadata.store.url", Effect.MOVE),
        ("", "metadata: {governance: {retention: {runs: 30d}}}", "metadata.governance.retention", Effect.DESTROY),
        (
            "metadata: {governance: {retention: {runs: 30d}}}",
            "metadata: {governance: {retention: {runs: 60d}}}",
            "metadata.governance.retention",
            Effect.RESTART,
        ),
        ("serving: {log: {keep: 7d}}", "", "serving.log.keep", Effect.RESTART),
        ("serving: {log: {keep: 700d}}", "serving: {log: {keep: 69d}}", "serving.log.keep", Effect.DESTROY),
    ],
)
def test_each_change_has_its_depth(before: str, after: str, path: str, effect: Effect) -> None:
    """From what only people read to what deletes."""
    steps = plan(canvas(before), canvas(after))

    assert [(step.path, step.effect) for step in steps] == [(path, effect)]
    assert bool(steps[0].said) == (effect != Effect.NOTHING)


def test_a_default_written_down_changes_nothing() -> None:
    """What the stack took anyway is no step."""
    assert plan(canvas(), canvas("deployment: {strategy: {kind: recreate}}"))[0].effect == Effect.NOTHING


def test_models_and_environments_have_plans_of_their_own() -> None:
    """A change of one model names it; one of another environment is not planned here."""
    old = canvas("environments: {prod: {metadata.store.url: 'postgresql://a/b'}}")
    new = canvas(
        "models: {delay: {serving.log: {keep: 1d}}}\nenvironments: {prod: {metadata.store.url: 'postgresql://c/d'}}"
    )

    here, prod = plan(old, new), plan(old, new, environment="prod", ran_in="prod")

    assert [(step.path, step.model) for step in here] == [("serving.log.keep", "delay")]
    assert {step.path for step in prod} == {"serving.log.keep", "metadata.store.url"}
    assert {step.path for step in plan(old, old, environment="prod")} == {"metadata.store.url"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose canvas was applied."""
    write(tmp_path, "serving: {log: {keep: 90d}}")
    with sc.open(tmp_path) as stack:
        assert apply(stack)
        assert not apply(stack)
    return tmp_path


def write(folder: Path, rest: str) -> None:
    """Change the canvas of a project."""
    (folder / "canvas.yaml").write_text(f"stackcanvas: 1\nproject: {{name: demo}}\n{rest}\n")


def test_apply_records_the_digest(project: Path) -> None:
    """As an execution, in the audit log, and beside the state."""
    with sc.open(project) as stack:
        [work] = stack.spine.executions.search(kind="canvas.apply")
        assert work.parameters["digest"] == stack.canvas.digest
        assert [entry.action for entry in stack.spine.audit.entries()] == ["canvas.apply"]
    found = applied(project / ".stackcanvas")
    assert found is not None
    assert plan_of(project).steps == ()


def test_what_destroys_is_refused_until_it_is_applied(project: Path) -> None:
    """The refusal names the answer; after apply it runs."""
    write(project, "serving: {log: {keep: 1d}}")
    with pytest.raises(Refused, match=r"serving\.log\.keep"):
        admit(project)

    with sc.open(project) as stack:
        apply(stack)
    admit(project)


def test_harmless_changes_are_admitted(project: Path) -> None:
    """A new goal, a longer memory, other thresholds: up takes them."""
    write(project, "value: {goal: more}\nserving: {log: {keep: 900d}}\npipelines: {retraining: [{pipeline: a}]}")

    admit(project)
    assert plan_of(project).effect == Effect.RESTART


def test_a_first_canvas_is_admitted(tmp_path: Path) -> None:
    """Where nothing ran there is nothing to lose."""
    write(tmp_path, "serving: {log: {keep: 1d}}")

    admit(tmp_path)
    assert plan_of(tmp_path).applied is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": "x"}', '{"digest": "x", "canvas": {"stackcanvas": 9}}'])
def test_a_damaged_record_is_told_and_can_be_mended(project: Path, damage: str) -> None:
    """Nothing is guessed of what ran."""
    (project / ".stackcanvas" / "applied.json").write_text(damage)
    with pytest.raises(Corrupt, match="apply --yes"):
        admit(project)

    with sc.open(project) as stack:
        assert apply(stack)
    admit(project)


def test_no_secret_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in an address is masked in what is written down."""
    monkeypatch.setenv("SECRET", "hunter2")
    write(project, "features: {databases: {online: 'redis://me:swordfish@h/0'}}")
    with sc.open(project) as stack:
        apply(stack)

    assert "swordfish" not in (project / ".stackcanvas" / "applied.json").read_text()


def test_up_prepares_only_what_was_applied(project: Path) -> None:
    """The step before the processes start: a first start applies, a destructive change stops it with exit code 1."""
    command = [sys.executable, "-m", "stackcanvas.server.prepare", "--project", str(project)]
    write(project, "value: {goal: more}\nserving: {log: {keep: 90d}}")
    assert subprocess.run(command, env=os.environ, check=False).returncode == 0
    assert plan_of(project).steps == ()

    write(project, "serving: {log: {keep: 1d}}")
    refused = subprocess.run(command, env=os.environ, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "stackcanvas plan" in refused.stderr


def test_a_move_needs_no_apply(project: Path, tmp_path: Path) -> None:
    """What `move` has done is done; what else was changed is refused still."""
    (project / ".stackcanvas" / "objects").mkdir(exist_ok=True)
    write(project, "serving: {log: {keep: 1d}}")

    move(project, objects=(tmp_path / "elsewhere").as_uri(), environ={})

    assert [step.path for step in plan_of(project).steps if step.effect >= Effect.MOVE] == ["serving.log.keep"]
