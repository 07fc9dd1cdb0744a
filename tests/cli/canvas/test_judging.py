"""`canvas check`, `assess` and `init`: exit codes, forms for programs, examples that hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.canvas import load
from stackcanvas.cli.main import main

WARNED = "stackcanvas: 1\nproject: {name: x}\ndeployment:\n  strategy: {kind: canary, steps: [100%]}\n"
WRONG = "stackcanvas: 1\nproject: {name: x}\ndata:\n  versioning: mandatory\n  version_method: {level: 0}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a canvas."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints."""
    capfd.readouterr()
    assert main(["canvas", *words]) == code
    return capfd.readouterr().out


def test_exit_codes_tell_errors_from_warnings(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Warnings pass unless it is strict; errors do not; a file that is no canvas is bad input."""
    (here / "canvas.yaml").write_text(WARNED)
    assert "1 warning" in run(capfd, "check")
    run(capfd, "check", "--strict", code=1)

    (here / "canvas.yaml").write_text(WRONG)
    assert run(capfd, "check", code=1).startswith("canvas.yaml:4:15: error: data.versioning is mandatory, but ")

    (here / "canvas.yaml").write_text(WRONG.replace("mandatory", "maybe"))
    run(capfd, "check", code=3)


def test_findings_come_as_json_and_sarif(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each with its rule, both answers and their places; mistakes of form are in the SARIF, too."""
    (here / "canvas.yaml").write_text(WRONG)
    (finding,) = json.loads(run(capfd, "check", "--format", "json", code=1))["findings"]
    assert finding["rule"] == "versioning-without-versions"
    assert [place["where"] for place in finding["places"]] == ["canvas.yaml:4:15", "canvas.yaml:5:27"]

    log: dict[str, Any] = json.loads(run(capfd, "check", "--sarif", code=1))
    (result,) = log["runs"][0]["results"]
    assert log["version"] == "2.1.0"
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 15}
    assert {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]} == {result["ruleId"]}

    (here / "canvas.yaml").write_text(WRONG.replace("mandatory", "maybe"))
    (result,) = json.loads(run(capfd, "check", "--sarif", code=3))["runs"][0]["results"]
    assert result["ruleId"] == "canvas-cannot-be-read"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 4


def test_the_rules_can_be_listed_without_a_canvas(capfd: pytest.CaptureFixture[str]) -> None:
    """What each reads, for whoever wonders."""
    rules = {rule["rule"]: rule for rule in json.loads(run(capfd, "check", "--rules", "--format", "json"))}
    assert rules["versioning-without-versions"]["reads"] == ["data.versioning", "data.version_method"]


@pytest.mark.parametrize("name", ["bakery", "windfarm", "payments", "tactical", "strategic", "transformational"])
def test_an_example_is_copied_and_holds(here: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    """Strictly checked and assessed; the second copy touches nothing."""
    run(capfd, "init", "--from", name)
    assert run(capfd, "check", "--strict").startswith("canvas.yaml holds: ")
    found = json.loads(run(capfd, "assess", "--format", "json"))
    assert found["level"] == load(here / "canvas.yaml").project.maturity.now

    before = (here / "canvas.yaml").read_bytes()
    run(capfd, "init", "--name", "other", code=5)
    assert (here / "canvas.yaml").read_bytes() == before


def test_a_canvas_can_be_begun_empty(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Called after its folder, or as it is told; a name that cannot be is refused and leaves nothing."""
    run(capfd, "init")
    assert load(here / "canvas.yaml").project.name == here.name
    assert main(["--project", str(here / "new"), "canvas", "init", "--name", "Delays: ours"]) == 0
    assert load(here / "new" / "canvas.yaml").project.name == "Delays: ours"
    assert main(["--project", str(here / "bad"), "canvas", "init", "--name", " "]) == 3
    assert not (here / "bad" / "canvas.yaml").exists()


def test_assess_tells_people_what_to_do_first(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Level, score, a roadmap with its reasons, what can wait; nothing answered says so."""
    (here / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: x}\n")
    assert "Nothing is answered yet" in run(capfd, "assess")

    (here / "canvas.yaml").write_text(WRONG + "serving: {volume: {peak_per_second: 3}}\n")
    said = run(capfd, "assess", "--wanted", "strategic", "--all")
    assert "  1. Put the code under version control [foundations]" in said
    assert "data.version_method.level is 0 (canvas.yaml:5:27)" in said
    assert "A cluster: one prediction process" in said
    assert "serving.volume.peak_per_second is 3 (canvas.yaml:6:" in said
    run(capfd, "assess", "--env", "nowhere", code=4)


def test_an_answer_that_contradicts_another_is_told_when_it_is_set(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is written all the same: the other answer may be the one to change."""
    (here / "canvas.yaml").write_text(WRONG.replace("level: 0", "level: 1"))
    assert main(["canvas", "set", "data.version_method", "{level: 0}"]) == 0
    assert "Mind: canvas.yaml:4:15: error: data.versioning is mandatory" in capfd.readouterr().err
    assert main(["canvas", "set", "registry.needed", "mandatory"]) == 0
    assert "Mind" not in capfd.readouterr().err
