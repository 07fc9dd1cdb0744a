"""Pushing, pulling and clearing up at the command line."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from stackcanvas.cli.main import main

MINIMAL = (files("stackcanvas") / "examples" / "minimal" / "canvas.yaml").read_text()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a version of a CSV file."""
    root = tmp_path / "one"
    (root / "data").mkdir(parents=True)
    (root / "canvas.yaml").write_text(MINIMAL)
    (root / "data" / "flights.csv").write_text("flight,delay\n1,5\n")
    monkeypatch.chdir(root)
    assert main(["data", "commit", "flights", "data/flights.csv"]) == 0
    return root


def asked(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> object:
    """What a command answers to a program."""
    capfd.readouterr()
    assert main(["data", *words, "--format", "json"]) == code
    return json.loads(capfd.readouterr().out)


def test_from_one_project_to_another(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Push to a folder; a colleague with canvas.yaml and data.lock from git clones, and has the files."""
    assert main(["data", "push", "--to", str(tmp_path / "remote")]) == 0
    other = tmp_path / "two"
    other.mkdir()
    for name in ("canvas.yaml", "data.lock"):
        shutil.copy(project / name, other)
    monkeypatch.chdir(other)

    assert main(["data", "checkout"]) == 4
    assert "data pull --locked" in capfd.readouterr().err
    got = asked(capfd, "pull", "--locked", "--from", str(tmp_path / "remote"))
    assert isinstance(got, dict)
    assert got["versions"] == ["data:flights@1"]
    assert main(["data", "checkout"]) == 0
    assert (other / "data" / "flights.csv").read_text() == "flight,delay\n1,5\n"
    assert isinstance(asked(capfd, "clone", str(tmp_path / "remote")), dict)
    assert main(["data", "clone", str(tmp_path / "remote")]) == 0
    assert "storage: {remote:" in capfd.readouterr().err


def test_the_remote_of_the_canvas(project: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The answer stands for the option; without either the answer to give is named."""
    assert main(["data", "push"]) == 3
    assert "data.storage.remote" in capfd.readouterr().err
    (project / "canvas.yaml").write_text(MINIMAL.replace("\ndata:\n", "\ndata:\n  storage: {remote: ../remote}\n"))

    sent = asked(capfd, "push")

    assert isinstance(sent, dict)
    assert sent["url"].endswith("/remote")
    assert (tmp_path / "remote" / "data").is_dir()
    assert main(["data", "push"]) == 0
    assert "Both sides had the same versions." in capfd.readouterr().err


def test_forget_and_gc(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Old versions are given up and cleared, the log tells it."""
    for fare in range(3):
        (project / "data" / "flights.csv").write_text(f"flight,delay\n1,{fare}\n")
        assert main(["data", "commit", "flights", "data/flights.csv"]) == 0

    assert main(["data", "forget"]) == 2
    assert main(["data", "forget", "flights@4"]) == 5
    assert "newest" in capfd.readouterr().err
    assert main(["data", "forget", "--keep", "1"]) == 0
    told = asked(capfd, "gc", "--dry-run")
    assert isinstance(told, dict)
    assert told["dry"] is True
    assert main(["data", "gc"]) == 0
    assert main(["data", "verify"]) == 0
    assert main(["data", "checkout", "flights@1"]) == 4
    assert "given up" in capfd.readouterr().err
    assert main(["data", "detach", "flights"]) == 0
