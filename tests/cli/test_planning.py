"""`stackcanvas plan`, `stackcanvas apply` and `stackcanvas canvas compare`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcanvas.cli.main import main

BEFORE = "stackcanvas: 1\nproject: {name: demo}\nserving: {log: {keep: 90d}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canvas.yaml").write_text(BEFORE)
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints and says."""
    capfd.readouterr()
    assert main(words) == code
    found = capfd.readouterr()
    return found.out + found.err


def test_from_one_canvas_to_the_next(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """Plan before anything ran, apply, change, plan, refuse, apply by force, plan again."""
    assert "No canvas was applied" in run(capfd, "plan")
    assert "Applied" in run(capfd, "apply")
    (folder / "canvas.yaml").write_text(BEFORE.replace("90d", "7d"))

    told = run(capfd, "plan")
    assert "destructive" in told
    assert json.loads(run(capfd, "plan", "--format", "json"))["effect"] == "destructive"
    assert "--yes" in run(capfd, "apply", code=1)
    assert "Applied" in run(capfd, "apply", "--yes")
    assert "Nothing changed" in run(capfd, "plan")
    assert "already" in run(capfd, "apply")


def test_compare_tells_what_follows(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """Two files; the same file twice; a file that is not there."""
    (folder / "old.yaml").write_text(BEFORE.replace("90d", "700d"))

    told = run(capfd, "canvas", "compare", "old.yaml")
    assert "keep 700d" in told
    assert "Stack, destructive: serving.log.keep" in told
    assert (
        json.loads(run(capfd, "canvas", "compare", "old.yaml", "--format", "json"))["stack"][0]["effect"]
        == "destructive"
    )
    assert "say the same" in run(capfd, "canvas", "compare", "canvas.yaml")
    run(capfd, "canvas", "compare", "nothing.yaml", code=4)
