"""`stackcanvas canvas`: check, show, answer; errors with their places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcanvas.cli.main import main

CANVAS = """\
stackcanvas: 1
project: {name: delays}  # ours

# what we decided
data:
  versioning: mandatory  # the regulator asks
deployment:
  strategy: {kind: canary, steps: [10%, 100%], every: 12h}
models:
  delay: {deployment.strategy: {kind: recreate}}
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The canvas of the project where one stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canvas.yaml").write_text(CANVAS)
    return tmp_path / "canvas.yaml"


def run(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    """What a command prints, and what it says."""
    capfd.readouterr()
    assert main(["canvas", *words]) == code
    found = capfd.readouterr()
    return found.out, found.err


def asked(capfd: pytest.CaptureFixture[str], *words: str) -> object:
    """What a command answers to a program."""
    return json.loads(run(capfd, *words, "--format", "json")[0])


def test_check_counts_answers(capfd: pytest.CaptureFixture[str]) -> None:
    """Open questions are no error."""
    assert "2 questions answered" in run(capfd, "check")[0]


def test_check_tells_every_error_with_its_place(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """All at once, one a line, exit code 3; a program gets them as records."""
    file.write_text(CANVAS.replace("mandatory", "maybe").replace("canary", "canry"))

    out, err = run(capfd, "check", code=3)
    assert out == ""
    assert [line.split(": ")[0] for line in err.splitlines()] == ["canvas.yaml:6:15", "canvas.yaml:8:20"]

    _, err = run(capfd, "check", "--format", "json", code=3)
    assert [error["where"] for error in json.loads(err)["errors"]] == ["canvas.yaml:6:15", "canvas.yaml:8:20"]


def test_check_finds_the_canvas_from_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From a folder inside the project; from outside it is not found."""
    (tmp_path / "data" / "raw").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "data" / "raw")
    run(capfd, "check")
    monkeypatch.chdir("/")

    assert "stackcanvas init" in run(capfd, "check", code=4)[1]


def test_show_names_where_an_answer_stands(capfd: pytest.CaptureFixture[str]) -> None:
    """By question, with line and column."""
    assert asked(capfd, "show") == [
        {"question": "data.versioning", "answer": "mandatory", "where": "canvas.yaml:6:15"},
        {
            "question": "deployment.strategy",
            "answer": {"kind": "canary", "steps": ["10%", "100%"], "every": "12h"},
            "where": "canvas.yaml:8:13",
        },
    ]
    assert asked(capfd, "show", "serving") == []


def test_show_effective_names_what_holds_and_why(capfd: pytest.CaptureFixture[str]) -> None:
    """The model's own answer before the common one, a default before nothing."""

    def origins(*words: str) -> dict[str, str]:
        rows = asked(capfd, "show", "deployment", *words)
        assert isinstance(rows, list)
        return {row["question"]: row["from"] for row in rows}

    assert origins("--effective")["deployment.strategy"] == "canvas.yaml:8:13"
    assert origins("--effective")["deployment.target"] == "default"
    assert "model delay" in origins("--model", "delay")["deployment.strategy"]
    assert "environment" in run(capfd, "show", "--env", "prod", code=4)[1]


def test_set_and_unset_keep_the_rest_of_the_file(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Comments and order stay, and what was set can be taken back."""
    assert asked(capfd, "set", "registry.needed", "mandatory") == {"question": "registry.needed", "answer": "mandatory"}
    assert set(CANVAS.splitlines()) < set(file.read_text().splitlines())

    run(capfd, "unset", "registry.needed")
    assert set(CANVAS.splitlines()) < set(file.read_text().splitlines())
    assert "registry.needed" not in str(asked(capfd, "show"))


def test_set_takes_yaml_and_a_reason(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A mapping as in the file; `--why` is kept under decisions."""
    run(capfd, "set", "deployment.strategy", "{kind: shadow}", "--why", "first look", "--owner", "Ada")

    assert "kind: shadow" in file.read_text()
    assert "why: first look" in file.read_text()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "data.versioning", "maybe"), 3),
        (("set", "data.versioning", "{broken: ["), 3),
        (("set", "data.nothing", "1"), 4),
        (("unset", "data.nothing"), 4),
        (("show", "nothing"), 4),
        (("about", "nothing"), 4),
        (("set", "data.versioning"), 2),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    file: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], code: int
) -> None:
    """A sentence, an exit code, and the file as it was."""
    assert run(capfd, *words, code=code)[1]
    assert file.read_text() == CANVAS


def test_questions_and_what_they_are_about(capfd: pytest.CaptureFixture[str]) -> None:
    """Open ones are listed; one is told in full, with an example that fits."""
    rows = asked(capfd, "questions", "data", "--open")
    assert isinstance(rows, list)
    assert "data.versioning" not in [row["id"] for row in rows]
    assert "data.sources" in [row["id"] for row in rows]

    about = asked(capfd, "about", "deployment.strategy")
    assert isinstance(about, dict)
    assert about["example"].startswith("strategy: ")


def test_the_schema_is_json(capfd: pytest.CaptureFixture[str]) -> None:
    """For editors."""
    assert json.loads(run(capfd, "schema")[0])["properties"]["data"]
