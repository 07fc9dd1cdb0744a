"""`stackcanvas experiments` on a project with a few runs."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
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
    assert [one["id"] for one in call("search", "--format", "json")] == runs[::-1]
    assert [one["id"] for one in call("search", "delay", "--order-by", "metric.auc desc", "--format", "json")] == runs
    assert [
        one["id"] for one in call("search", "--filter", "metrics.auc < 1 and params.depth = 3", "--format", "json")
    ] == runs[:1]
    assert "0.7" in call("search")
    assert "Did you mean 'delay'" in call("search", "delai", code=4)
    assert "Invalid clause" in call("search", "--filter", "auc", code=3)


def test_a_run_is_shown(call: Any, runs: list[str]) -> None:
    """For people and for programs."""
    assert call("show", runs[0], "--format", "json")["parameters"] == {"depth": "3", "rate": "0.1"}
    assert "depth  3" in call("show", runs[0])
    assert "▁█" in call("show", runs[0])
    (curve,) = call("curves", "auc", runs[1], "--format", "json")
    assert [one["value"] for one in curve["points"]] == [0.5, "NaN"]
    assert "▄·" in call("curves", "auc", *runs)
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


def test_runs_are_exported(call: Any, runs: list[str], tmp_path: Path) -> None:
    """As tables of every format, with a column for everything."""
    for name in ("runs.csv", "runs.parquet", "runs.arrow", "runs.json"):
        assert call("export", name, "--format", "json") == {"file": name, "runs": 2, "columns": 17}
    rows = pl.read_parquet(tmp_path / "runs.parquet")
    assert rows["id"].to_list() == runs[::-1]
    assert rows["params.depth"].to_list() == ["6", "3"]
    assert rows["metrics.auc"].to_list()[1] == 0.7
    assert pl.read_csv(tmp_path / "runs.csv").columns == rows.columns
    assert pl.read_ipc(tmp_path / "runs.arrow").equals(rows)
    told = json.loads((tmp_path / "runs.json").read_text())
    assert [one["metrics.auc"] for one in told] == ["NaN", 0.7]
    assert told[0]["started"].endswith("Z")
    best = call("export", "best.csv", "--filter", "metrics.auc < 1", "--format", "json")
    assert best["runs"] == 1
    assert "ends in .csv" in call("export", "runs.xls", code=3)
    call("export", "nowhere/runs.csv", code=4)
    assert not [path.name for path in tmp_path.iterdir() if "draft" in path.name]


PIPELINES = """
import stackcanvas as sc

@sc.step
def hill(context: sc.Context, x: float, kind: str) -> float:
    context.run.log(height=-((x - 3) ** 2) + (kind == "b"), other=1.0)
    return x

@sc.pipeline
def climb(x: float = 1.0, kind: str = "a") -> float:
    return hill(x, kind)
"""


def test_the_parameters_of_a_pipeline_are_searched(call: Any, tmp_path: Path) -> None:
    """Alone and by two processes; what it tried is a run with the run of the pipeline inside."""
    (tmp_path / "pipelines.py").write_text(PIPELINES)
    words = ("tune", "climb", "--metric", "height", "-s", "x=0.0..10.0", "-s", "kind=a,b", "--format", "json")
    first = call(*words, "--trials", "4")
    more = call(*words, "--trials", "8", "--parallel", "2")

    assert first["trials"] == {"finished": 4}
    assert more["trials"]["finished"] in {8, 9}
    assert more["height"] >= first["height"]
    with sc.open(tmp_path) as stack:
        best = stack.experiments.get(more["best"])
        (pipeline,) = stack.experiments.children(best.id)
        assert pipeline.experiment == "climb"
        assert best.parent == more["run"]
        assert pipeline.metrics["height"].value == best.metrics["height"].value == more["height"]
    assert "no parameter" in call("tune", "climb", "--metric", "height", "-s", "y=1..2", code=3).lower()
    assert "no metric" in call("tune", "climb", "--metric", "nothing", "-s", "x=1..2", "--trials", "1", code=4).lower()
    call("tune", "climb", "--metric", "height", "-s", "x", code=3)
