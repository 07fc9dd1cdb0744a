"""`stackcanvas deploy`, `deployment` and `predictions` on a project with two versions of a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.cli.main import main
from stackcanvas.testing.onnx_models import delay_model
from stackcanvas.testing.serving import PredictionProcess, ServedFolder

CANVAS = """stackcanvas: 1
project: {name: delays}
deployment:
  strategy: {kind: canary, steps: [20%, 100%], every: 1h}
serving:
  mode: {mode: online, endpoint: arrivals}
"""
GOOD = {"wind": 5.0, "month": 6, "carrier": "AA", "night": False}
Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two versions of the model delay."""
    root = tmp_path / "delays"
    root.mkdir()
    (root / "canvas.yaml").write_text(CANVAS)
    sample = pl.DataFrame(
        {"wind": [1.0, None], "month": [0, 1], "carrier": ["AA", "UA"], "night": [True, False]},
        schema_overrides={"wind": pl.Float32},
    )
    with sc.open(root) as stack:
        for shift in (0.0, 0.5):
            stack.registry.register("delay", delay_model(shift), sample=sample)
    return root


@pytest.fixture
def run(project: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the project: exit code, its JSON, what it said."""

    def invoke(*words: str) -> tuple[int, Any, str]:
        code = main(["--project", str(project), *words, "--format", "json"])
        out, err = capfd.readouterr()
        return code, json.loads(out) if out else None, err

    return invoke


@pytest.fixture
def server(project: Path) -> Iterator[PredictionProcess]:
    """The prediction server of the project."""
    folder = ServedFolder(project / ".stackcanvas")
    started = PredictionProcess(folder)
    yield started
    started.kill()


def test_a_version_is_deployed_and_taken_back(run: Run) -> None:
    """As the canvas says, or told otherwise; and every step can be read back."""
    assert run("deployment", "ls")[:2] == (0, [])
    code, release, _ = run("deploy", "delay@1", "--reason", "the first")
    assert code == 0
    assert (release["endpoint"], release["model"], release["state"]) == ("arrivals", "model:delay@1", "live")

    _, release, _ = run("deploy", "delay")
    assert (release["strategy"]["kind"], release["strategy"]["steps"]) == ("canary", [0.2, 1.0])
    _, status, _ = run("deployment", "status", "arrivals")
    assert (status["state"], status["candidate"], status["share"]) == ("progressing", "model:delay@2", 0.2)
    assert run("deploy", "delay")[0] == 5
    assert run("deployment", "rollback", "arrivals", "--reason", "slow")[1]["live"] == "model:delay@1"
    _, history, _ = run("deployment", "history", "arrivals")
    assert [(one["state"], one["reason"]) for one in history] == [("rolled back", "slow"), ("live", "the first")]
    assert run("deploy", "delay", "--endpoint", "other", "--strategy", "recreate")[1]["endpoint"] == "other"
    assert [one["endpoint"] for one in run("deployment", "ls")[1]] == ["arrivals", "other"]


def test_what_does_not_exist_is_said(run: Run) -> None:
    """Unknown versions and endpoints end with exit code 4 and a sentence."""
    for words in (
        ("deploy", "delay@9"),
        ("deploy", "dilay"),
        ("deployment", "status", "arrivals"),
        ("deployment", "rollback", "arrivals"),
        ("deployment", "history", "arrivals"),
        ("predictions", "show", "nothing"),
    ):
        code, _, said = run(*words)
        assert code == 4, words
        assert "There is no" in said


def test_predictions_are_asked_for_and_read_back(run: Run, server: PredictionProcess, tmp_path: Path) -> None:
    """The running server answers; the log shows what it answered."""
    run("deploy", "delay@1")
    server.wait(lambda: bool(run("predictions", "status")[1]))
    (served,) = run("predictions", "status")[1]
    assert (served["endpoint"], served["state"], served["revision"]) == ("arrivals", "ready", 1)
    asked = tmp_path / "records.json"
    asked.write_text(json.dumps([GOOD, {**GOOD, "wind": None}]))

    code, answers, _ = run("predictions", "ask", "arrivals", str(asked))
    assert code == 0
    assert [one["model"] for one in answers] == ["model:delay@1"] * 2
    server.wait(lambda: server.folder.row(answers[0]["prediction_id"]) is not None)
    rows = run("predictions", "ls", "arrivals")[1]
    assert {one["prediction_id"] for one in rows} == {one["prediction_id"] for one in answers}
    shown = run("predictions", "show", answers[0]["prediction_id"])[1]
    assert shown["features"] == GOOD

    server.stop()
    assert run("predictions", "compact")[1] == {"segments": 1, "rows": 2, "files": 1}
    assert run("predictions", "show", answers[0]["prediction_id"])[1] == shown
    code, _, said = run("predictions", "ask", "arrivals", str(asked))
    assert (code, "stackcanvas up" in said) == (6, True)


def test_records_that_do_not_fit_are_refused(run: Run, server: PredictionProcess, tmp_path: Path) -> None:
    """The server's own words, and exit code 3; an unknown endpoint is 4."""
    run("deploy", "delay@1")
    server.wait_revision(1)
    asked = tmp_path / "records.json"
    for text, words, code in (
        ('[{"wind": 1}]', "the column is missing", 3),
        ("[", "not JSON", 3),
        ("[]", "There is no endpoint", 4),
    ):
        asked.write_text(text)
        found, _, said = run("predictions", "ask", "departures" if code == 4 else "arrivals", str(asked))
        assert (found, words in said) == (code, True)


def test_an_endpoint_that_is_not_served_yet_is_no_unknown_one(
    run: Run, server: PredictionProcess, project: Path, tmp_path: Path
) -> None:
    """What is deployed and has not reached the server can be asked again: exit code 6."""
    run("deploy", "delay@1")
    server.wait_revision(1)
    routes = project / ".stackcanvas" / "serving" / "routes.json"
    routes.unlink()
    routes.mkdir()  # nothing reaches the server any more
    run("deploy", "delay@1", "--endpoint", "departures")
    asked = tmp_path / "records.json"
    asked.write_text(json.dumps([GOOD]))

    # In which words depends on what the server has noticed of its broken routes by then.
    assert run("predictions", "ask", "departures", str(asked))[0] == 6


def test_tables_for_people(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a format they read as a table."""
    assert main(["--project", str(project), "deploy", "delay@1"]) == 0
    assert main(["--project", str(project), "deployment", "history", "arrivals"]) == 0

    shown = capfd.readouterr().out
    assert "model:delay@1" in shown
    assert "canary" not in shown
    assert "recreate" in shown
