"""`stackcanvas init`: a project that runs at once, and nothing that was there is touched."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from stackcanvas.canvas import load
from stackcanvas.cli.init import TEMPLATES
from stackcanvas.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_project_holds_a_canvas_without_errors(template: str, here: Path) -> None:
    """Canvas, definitions, git and what git leaves out; no caches of the template."""
    assert main(["init", "churn", "--template", template]) == 0

    made = here / "churn"
    assert load(made / "canvas.yaml").answered
    assert ".stackcanvas/" in (made / ".gitignore").read_text().split()
    assert subprocess.run(["git", "status"], cwd=made, check=False, capture_output=True).returncode == 0
    assert not list(made.rglob("__pycache__"))
    assert [path.name for path in here.iterdir()] == ["churn"]


def test_the_project_has_the_name_of_its_folder(here: Path) -> None:
    """Whatever characters it holds."""
    assert main(["init", "it's: #1"]) == 0

    assert load(here / "it's: #1" / "canvas.yaml").project.name == "it's: #1"


def test_a_folder_with_something_in_it_is_left_alone(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 5, and not a byte is changed."""
    (here / "churn").mkdir()
    (here / "churn" / "canvas.yaml").write_text("mine")

    assert main(["init", "churn"]) == 5

    assert "not an empty folder" in capfd.readouterr().err
    assert [path.read_text() for path in (here / "churn").iterdir()] == ["mine"]


def test_an_empty_folder_is_filled(here: Path) -> None:
    """Also the one where one stands."""
    assert main(["init", "."]) == 0

    assert (here / "canvas.yaml").exists()


def test_a_file_in_the_way_is_an_error(here: Path) -> None:
    """A file of that name, or as a parent."""
    (here / "churn").write_text("a file")

    assert main(["init", "churn"]) == 5
    assert main(["init", "churn/below"]) == 6
    assert (here / "churn").read_text() == "a file"


def test_without_git_there_is_a_project_all_the_same(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Git is used where it is there."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    assert main(["init", "churn", "--format", "json"]) == 0

    assert json.loads(capfd.readouterr().out)["git"] is False
    assert not (here / "churn" / ".git").exists()


def test_inside_a_repository_no_second_one_is_made(here: Path) -> None:
    """A project may be a folder of a larger repository."""
    subprocess.run(["git", "init", "--quiet"], cwd=here, check=True)

    assert main(["init", "churn"]) == 0

    assert not (here / "churn" / ".git").exists()
