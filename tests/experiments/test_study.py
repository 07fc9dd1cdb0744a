"""Searching for good parameters: trials as runs, gone on with, by several processes, after a kill."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.backends.database import open_database
from stackcanvas.backends.objects import open_objects
from stackcanvas.clock import ManualClock
from stackcanvas.errors import BadInput, MissingExtra
from stackcanvas.experiments import Choice, Experiments, Range, Run, read_space
from stackcanvas.ids import Ids
from stackcanvas.metadata import Actor, Spine
from stackcanvas.metadata.migrate import prepare
from stackcanvas.stack.tables import load
from tests.experiments.test_run import PREPARE


def hill(trial: Any, run: Run) -> float:
    """Highest at 3."""
    x = float(trial.suggest_float("x", 0, 10))
    run.log(distance=abs(x - 3))
    return -((x - 3) ** 2)


def test_trials_are_runs_inside_the_run_of_the_study(experiments: Experiments) -> None:
    """Each with what it tried and what came of it; the best is found, and what is best so far is a curve."""
    study = experiments.study("hill", metric="height", seed=7)
    best: Any = study.tune(hill, trials=12)

    children = experiments.children(study.run_id)
    assert [run.name for run in children] == [f"trial {number}" for number in range(12)]
    assert [run.parameters["x"] for run in children] == [str(trial.parameters["x"]) for trial in study.trials]
    assert best.metrics["height"].value == max(run.metrics["height"].value for run in children)
    assert best.metrics["distance"].value == abs(float(best.parameters["x"]) - 3)
    parent = experiments.get(study.run_id)
    assert (parent.status, parent.experiment, parent.name) == ("finished", "hill", "hill")
    curve = [point.value for point in experiments.metrics(study.run_id, "height")]
    assert curve == sorted(curve)
    assert len(curve) == 12


def test_a_study_is_gone_on_with(experiments: Experiments) -> None:
    """Until it has as many trials as were asked for, with the same search as in one go."""
    first = experiments.study("hill", metric="height", seed=7)
    first.tune(hill, trials=3)
    again = experiments.study("hill", metric="height", seed=7)
    again.tune(hill, trials=5)
    again.tune(hill, trials=5)

    assert [trial.number for trial in again.trials] == [0, 1, 2, 3, 4]
    assert len({trial.parameters["x"] for trial in again.trials}) == 5
    with pytest.raises(BadInput, match="to maximize"):
        experiments.study("hill", metric="height", direction="minimize")
    with pytest.raises(BadInput, match="direction"):
        experiments.study("other", metric="height", direction="up")
    with pytest.raises(BadInput, match="the objective gave None"):
        experiments.study("none", metric="height").tune(lambda _trial, _run: None, trials=1)  # type: ignore[arg-type,return-value]


def test_trials_fail_are_pruned_or_give_no_number(experiments: Experiments) -> None:
    """Each is told apart, and none of them is the best."""
    import optuna

    def objective(trial: Any, run: Run) -> float:
        x = trial.suggest_int("x", 0, 10)
        if trial.number == 0:
            trial.report(0.5, 0)
            raise optuna.TrialPruned
        if trial.number == 1:
            return math.nan
        if trial.number == 2:
            raise ValueError("power")
        return float(x)

    study = experiments.study("mixed", metric="loss", direction="minimize", seed=7)
    with pytest.raises(ValueError, match="power"):
        study.tune(objective, trials=10)
    assert study.best is None
    best = study.tune(objective, trials=4)

    assert [trial.state for trial in study.trials] == ["pruned", "failed", "failed", *["finished"] * 2]
    assert [run.status for run in experiments.children(study.run_id)][:3] == ["finished", "finished", "failed"]
    assert best is not None
    assert best.metrics["loss"].value == min(trial.value or 0 for trial in study.trials if trial.state == "finished")
    assert study.tune(lambda trial, _run: trial.suggest_int("x", 0, 10) * math.nan, trials=6) == best
    assert len(study.trials) == 7


def test_trials_of_a_killed_process_are_tried_again(tmp_path: Path) -> None:
    """By whoever goes on: what it tried comes first, its run is marked, and other processes are left alone."""
    script = PREPARE + textwrap.dedent("""
        import json
        def objective(trial, run):
            x = trial.suggest_float("x", 0, 10)
            if len(sys.argv) > 2 and trial.number == 2:
                print(json.dumps([run.id, x]), flush=True)
                time.sleep(60)
            return -x
        study = experiments.study("hill", metric="height", seed=7)
        study.tune(objective, trials=5)
        print(json.dumps([[trial.state, trial.run, trial.parameters] for trial in study.trials]))
    """)
    command = [sys.executable, "-c", script, str(tmp_path)]
    child = subprocess.Popen([*command, "hang"], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert child.stdout is not None
    hung, x = json.loads(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
    trials = json.loads(said)

    assert [state for state, _, _ in trials] == ["finished", "finished", "failed", *["finished"] * 3]
    assert trials[2][1] == hung
    assert trials[3][2] == {"x": x}
    asked = (
        "found = experiments.get(sys.argv[2]);"
        "print(found.status, spine.executions.get(found.id).state, found.parameters['x'])"
    )
    told = subprocess.run(
        [sys.executable, "-c", f"{PREPARE}\n{asked}", str(tmp_path), hung], check=True, capture_output=True, text=True
    )
    assert told.stdout.split() == ["killed", "lost", str(x)]


def test_processes_search_beside_each_other(tmp_path: Path) -> None:
    """Three of them make twelve trials, none twice, none too many beyond those that were under way."""
    script = PREPARE + textwrap.dedent("""
        def objective(trial, run):
            return trial.suggest_float("x", 0, 10)
        study = experiments.study("hill", metric="height", seed=int(sys.argv[2]))
        study.tune(objective, trials=12)
    """)
    command = [sys.executable, "-c", script, str(tmp_path)]
    prepared = subprocess.run([sys.executable, "-c", PREPARE, str(tmp_path)], check=True, env=dict(os.environ))
    children = [subprocess.Popen([*command, str(seed)], env=dict(os.environ)) for seed in (1, 2, 3)]
    assert prepared.returncode == 0
    assert [child.wait() for child in children] == [0, 0, 0]
    asked = """
import json
study = experiments.study("hill", metric="height")
print(json.dumps([[trial.number, trial.state, trial.run] for trial in study.trials]))
"""
    told = subprocess.run([sys.executable, "-c", PREPARE + asked, str(tmp_path)], check=True, capture_output=True)
    trials = json.loads(told.stdout)

    assert [number for number, _, _ in trials] == list(range(len(trials)))
    assert 12 <= len(trials) <= 14
    assert {state for _, state, _ in trials} == {"finished"}
    assert len({run for _, _, run in trials}) == len(trials)


def test_a_study_is_the_same_on_postgresql(postgres_url: str, clock: ManualClock, tmp_path: Path) -> None:
    """The same trials for the same seed, and gone on with."""
    database = open_database(postgres_url)
    prepare(database, load)
    spine = Spine(database, clock=clock, ids=Ids(clock.now), actor=Actor("ada"))
    experiments = Experiments(spine, open_objects(tmp_path / "objects"))
    experiments.study("hill", metric="height", seed=7).tune(hill, trials=2)
    study = experiments.study("hill", metric="height", seed=7)
    study.tune(hill, trials=4)

    assert [trial.state for trial in study.trials] == ["finished"] * 4
    assert len(experiments.children(study.run_id)) == 4
    experiments.close()
    database.close()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2..10", Range(2, 10)),
        ("0.5..2", Range(0.5, 2.0)),
        ("1e-4..0.1:log", Range(0.0001, 0.1, log=True)),
        ("-3..-1", Range(-3, -1)),
        ("a,b", Choice(("a", "b"))),
        ("1,2.5,true", Choice((1, 2.5, True))),
    ],
)
def test_values_are_read(text: str, meant: object) -> None:
    """Ranges and choices."""
    assert read_space(text) == meant


@pytest.mark.parametrize("text", ["", "5", "10..2", "2..2", "0..1:log", "1..2:lin", "1..2:", "a..b", "..", "1..inf"])
def test_values_that_mean_nothing_are_refused(text: str) -> None:
    """With the forms that there are."""
    with pytest.raises(BadInput, match=r"2\.\.10"):
        read_space(text)


def test_without_optuna_the_command_that_installs_it_is_named(
    experiments: Experiments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "stackcanvas.experiments.optuna", raising=False)
    with pytest.raises(MissingExtra, match=r"stackcanvas\[search\]"):
        experiments.study("hill", metric="height")
