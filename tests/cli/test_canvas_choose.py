"""`stackcanvas canvas choose`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcanvas.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints and says."""
    capfd.readouterr()
    assert main(["canvas", "choose", *words]) == code
    found = capfd.readouterr()
    return found.out + found.err


def test_a_tool_for_each_block(capfd: pytest.CaptureFixture[str]) -> None:
    """The table, one block in full, and everything for programs."""
    assert "GitHub Actions" in run(capfd)
    assert "Next best: Feast" in run(capfd, "--explain", "features")
    found = json.loads(run(capfd, "--format", "json"))
    assert {one["block"] for one in found["choices"]} >= {"data", "serving"}
    assert "data" in run(capfd, "--explain", "dta", code=4)
    assert "no preference" in run(capfd, "--prefer", "beauty", code=3)


def test_records_that_people_changed_are_left_alone(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """Written, written again, refused after an edit, and then only by force; nothing is half written."""
    record = folder / "docs" / "02-data.md"
    run(capfd, "--write", "docs")
    run(capfd, "--write", "docs")
    assert len(list((folder / "docs").iterdir())) == 10

    record.write_text(record.read_text() + "\nOur own words.\n")
    (folder / "docs" / "03-experiments.md").unlink()
    assert "02-data.md changed" in run(capfd, "--write", "docs", code=5)
    assert not (folder / "docs" / "03-experiments.md").exists()
    assert "Our own words" in record.read_text()

    run(capfd, "--write", "docs", "--force")
    assert "Our own words" not in record.read_text()


def test_packages_that_cannot_be_found_answer_no(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """An empty folder of packages: exit code 1, with the resolver's words."""
    (folder / "empty").mkdir()
    assert "cannot be installed even alone" in run(capfd, "--resolve", "--find-links", "empty", code=1)
