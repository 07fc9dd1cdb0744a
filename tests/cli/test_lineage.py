"""`stackcanvas lineage` and `status` over a project with a past."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import stackcanvas as sc
from stackcanvas.cli.main import main
from stackcanvas.server.control import make_app
from stackcanvas.testing.asgi import Client


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set, a second one made from it, and a run that read the second."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    monkeypatch.chdir(tmp_path)
    with sc.open(tmp_path) as stack:
        raw = stack.data.commit("flights", pl.DataFrame({"delay": [5, 7]}))
        with stack.spine.record("features.build") as work:
            work.used(raw.ref, "source")
            clean = stack.data.commit("clean", pl.DataFrame({"delay": [5]}))
            work.made(clean.ref, "training")
        with stack.spine.record("pipelines.step") as work:
            work.used(clean.ref, "training")
    return tmp_path


def told(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints, or says where it fails."""
    capfd.readouterr()
    assert main(list(words)) == code
    found = capfd.readouterr()
    return found.err if code else found.out


def test_lineage_walks_back(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From the newest version of a name to what it was made from, each step with its work."""
    lines = told(capfd, "lineage", "data:clean").splitlines()

    assert "data:clean@1" in lines[0] or "data:clean@1" in lines[1]
    assert any(line.strip().startswith("features.build  done") for line in lines)
    assert any(line.strip() == "data:flights@1 (source)" for line in lines)


def test_lineage_walks_forward(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From a version to what came of it."""
    shown = told(capfd, "lineage", "data:flights@1", "--down")

    assert "data:clean@1 (training)" in shown
    assert "pipelines.step" in shown


def test_lineage_for_programs(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The graph as it is."""
    graph = json.loads(told(capfd, "lineage", "data:clean@1", "--format", "json"))["graph"]

    assert set(graph["refs"]) == {"data:clean@1", "data:flights@1"}


@pytest.mark.parametrize(("ref", "code"), [("data:nothing", 4), ("data:clean@9", 4), ("nonsense", 3), ("modle:x", 3)])
def test_what_is_not_recorded(project: Path, capfd: pytest.CaptureFixture[str], ref: str, code: int) -> None:
    """A sentence with its exit code."""
    assert told(capfd, "lineage", ref, code=code)


def test_status_says_what_runs_and_what_is_there(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Processes, and the evidence of each block."""
    shown = told(capfd, "status")
    assert "control     does not run" in shown
    assert "version 1, 2 rows" in shown

    found = json.loads(told(capfd, "status", "--format", "json"))
    assert found["processes"] == []
    assert found["blocks"]["data"]["facts"]


def test_status_says_which_processes_live_on_every_machine(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Since when they run, what fails in them, who should have been heard of; pages and REST say the same."""
    with sc.open(project) as stack:
        started = stack.spine.clock.now() - timedelta(hours=3)
        failing = {"failing": {"scheduler": "The store is away."}}
        stack.spine.heartbeats.beat("worker", started=started, process="barn/17/1", facts=failing)
        stack.spine.heartbeats.beat("predict", started=started, process="shed/9/1", every_s=-60)
        client = Client(make_app(stack))
        page, items = client.get("/").text, client.get("/api/v1/metadata/processes").json()["items"]

    lines = told(capfd, "status").splitlines()
    assert "control     does not run" in lines
    assert f"worker      runs on barn  (process 17, since {started:%Y-%m-%d %H:%M} UTC)" in lines
    assert "  ! scheduler fails: The store is away." in lines
    assert any(line.startswith("predict     overdue on shed (process 9), heard of last at") for line in lines)
    beats = json.loads(told(capfd, "status", "--format", "json"))["heartbeats"]
    assert [(one["kind"], one["overdue"]) for one in beats] == [("predict", True), ("worker", False)]
    assert [(one["kind"], one["overdue"]) for one in items] == [("predict", True), ("worker", False)]
    assert "fails at scheduler" in page
    assert "on shed not heard of since" in page
