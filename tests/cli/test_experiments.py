"""`stackcanvas experiments` on a project with a few runs."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import stackcanvas as sc
from stackcanvas.cli.main import main

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of two runs."""
    (tmp_path / "canvas.yaml").write_text(MINIMAL.read_text())
    monkeypatch.chdir(tmp_path)
    ids = []
    with sc.open(tmp_path) as stack:
        for depth, auc in ((3, 0.7), (6, float("nan"))):
            with stack.experiments.run("delay", parameters={"depth": depth, "rate": 0.1}) as run:
                run.log({"auc": 0.5})
                run.log({"auc": auc}, step=1)
                run.log_artifact("plots/roc.txt", "curve")
            ids.append(run.id)
    return ids


@pytest.fixture
def call(runs: list[str], capfd: pytest.CaptureFixture[str]) -> Any:
    """What a command prints; JSON is read."""

    def run(*words: str, code: int = 0) -> Any:
        capfd.readouterr()
        assert main(["experiments", *words]) == code
        printed = capfd.readouterr()
        if code:
            return printed.err
        return json.loads(printed.out) if "json" in words else printed.out

    return run


def test_experiments_and_runs_are_listed(call: Any, runs: list[str]) -> None:
    """Ordered and narrowed as asked."""
    assert [one["name"] for one in call("ls", "--format", "json")] == ["delay"]
    assert [one["id"] for one in call("runs", "--format", "json")] == runs[::-1]
    assert [one["id"] for one in call("runs", "delay", "--order-by", "metric.auc desc", "--format", "json")] == runs
    assert [one["id"] for one in call("runs", "--where", "metric.auc < 1", "--format", "json")] == runs[:1]
    assert "auc 0.7" in call("runs")
    assert "Did you mean 'delay'" in call("runs", "delai", code=4)
    assert "Invalid clause" in call("runs", "--where", "auc", code=3)


def test_a_run_is_shown(call: Any, runs: list[str]) -> None:
    """For people and for programs."""
    assert call("show", runs[0], "--format", "json")["parameters"] == {"depth": "3", "rate": "0.1"}
    assert "depth  3" in call("show", runs[0])
    assert [one["value"] for one in call("metrics", runs[1], "auc", "--format", "json")] == [0.5, "NaN"]
    call("show", "nothing", code=4)


def test_runs_are_compared_by_what_differs(call: Any, runs: list[str]) -> None:
    """What is the same is left out."""
    rows = {row["what"]: [row[run_id] for run_id in runs] for row in call("compare", *runs, "--format", "json")}

    assert rows == {"parameter.depth": ["3", "6"], "metric.auc": [0.7, "NaN"]}
    assert call("compare", runs[0], runs[0], "--format", "json") == []


def test_files_are_listed_and_written(call: Any, runs: list[str], tmp_path: Path) -> None:
    """Into a folder that is made."""
    assert [one["path"] for one in call("files", runs[0], "--format", "json")] == ["plots/roc.txt"]
    call("files", runs[0], "--to", "out")
    assert (tmp_path / "out" / "plots" / "roc.txt").read_text() == "curve"
    call("files", "nothing", code=4)
