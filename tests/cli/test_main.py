"""The entry point: errors as sentences and exit codes, a fast start, one table of commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from stackcanvas.cli.commands import Command
from stackcanvas.cli.main import SECTIONS, asks_for_json, cli, main
from stackcanvas.errors import BadInput, BadInputs, Conflict, NotFound, Refused, StackCanvasError, Unavailable

HEAVY = {
    "sqlalchemy",
    "polars",
    "numpy",
    "pydantic",
    "rich",
    "fastapi",
    "pyarrow",
    "scipy",
    "sklearn",
    "yaml",
    "jinja2",
}
_BLOCKS = ("data", "experiments", "features", "pipelines", "registry", "serving", "deployment", "monitoring", "value")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """A command `fail` that raises whatever the test puts into the list."""
    errors: list[BaseException] = []

    def fail() -> None:
        raise errors[0]

    command = Command(
        "fail", callback=fail, params=[click.Option(["--format"], expose_value=False)], example="stackcanvas fail"
    )
    monkeypatch.setattr(type(cli), "get_command", lambda _self, _ctx, name: command if name == "fail" else None)
    monkeypatch.setattr(type(cli), "list_commands", lambda _self, _ctx: ["fail"])
    monkeypatch.delenv("STACKCANVAS_DEBUG", raising=False)
    return errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("The gate says no"), 1),
        (BadInput("the port is text", where="canvas.yaml:3:7"), 3),
        (BadInputs([BadInput("one"), BadInput("two")]), 3),
        (NotFound("data set", "flihgts", known=["flights"]), 4),
        (Conflict("Another up runs"), 5),
        (Unavailable("Port 8700 is taken"), 6),
        (OSError(28, "No space left on device", "/data/x"), 6),
        (FileNotFoundError(2, "No such file", "missing.csv"), 4),
        (ZeroDivisionError("division by zero"), 70),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_an_error_becomes_its_exit_code_and_a_sentence(
    failing: list[BaseException], error: BaseException, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every error ends as its exit code and plain sentences on stderr, never a traceback."""
    failing.append(error)

    assert main(["fail"]) == code

    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    if isinstance(error, StackCanvasError):
        assert said.err == f"{error.sentence()}\n"


def test_an_error_is_json_when_json_was_asked_for(
    failing: list[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    """With --format json stderr holds exactly one line, the error as an object."""
    failing.append(NotFound("data set", "flihgts", known=["flights"]))

    assert main(["fail", "--format", "json"]) == 4

    said = capfd.readouterr()
    assert said.out == ""
    assert json.loads(said.err) == {
        "error": "There is no data set 'flihgts'. Did you mean 'flights'?",
        "kind": "NotFound",
        "what": "There is no data set 'flihgts'",
        "exit_code": 4,
    }


def test_an_unexpected_error_says_how_to_see_more(
    failing: list[BaseException], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A fault of ours names the switch that shows the traceback, and the switch shows it."""
    failing.append(ZeroDivisionError("division by zero"))

    main(["fail"])
    assert "STACKCANVAS_DEBUG=1" in capfd.readouterr().err

    monkeypatch.setenv("STACKCANVAS_DEBUG", "1")
    main(["fail"])
    assert "Traceback" in capfd.readouterr().err


def test_a_block_whose_command_is_called_otherwise_names_it(capfd: pytest.CaptureFixture[str]) -> None:
    """Blocks of the canvas, and words of other tools, lead to commands that there are."""
    for word, name in cli.meant.items():
        assert name in cli.entries
        assert main([word, "ls"]) == 2
        assert f"nearest is '{name}'" in capfd.readouterr().err


def test_a_wrong_word_is_answered_with_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    """A misspelt command names the nearest one and exits with 2."""
    assert main(["dat", "ls"]) == 2

    assert "nearest is 'data'" in capfd.readouterr().err


def test_json_can_be_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """STACKCANVAS_FORMAT=json holds unless the command line says otherwise."""
    monkeypatch.setenv("STACKCANVAS_FORMAT", "json")

    assert asks_for_json(["data", "ls"])
    assert not asks_for_json(["data", "ls", "--format", "table"])


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["nonsense"]])
def test_the_start_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    """Help, version and a wrong word import none of the big libraries."""
    assert not _loaded(words, tmp_path) & HEAVY


@pytest.mark.parametrize(
    "words",
    [
        ["data", "ls"],
        ["data", "status"],
        ["models", "ls"],
        ["experiments", "ls"],
        ["pipelines", "ls", "--help"],
        ["metadata", "events"],
        ["canvas", "check"],
    ],
)
def test_commands_that_only_look_up_load_no_library_of_frames_or_numbers(words: list[str], tmp_path: Path) -> None:
    """A list of versions, models or runs starts without Polars, Arrow and numpy, and without the migrations."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: x, date: 2026-01-01, team: [y]}\n")
    assert main(["--project", str(tmp_path), "data", "ls"]) == 0  # the first command makes the database

    heavy = {"polars", "pyarrow", "numpy", "scipy", "alembic", "fastapi", "onnxruntime"}
    assert _loaded(words, tmp_path) & heavy == set()


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        (["metadata", "events"], set()),
        (["data", "status"], {"data"}),
        (["models", "ls"], {"registry"}),
        (["experiments", "ls"], {"experiments"}),
    ],
)
def test_a_command_loads_the_block_that_it_asks_and_no_other(
    words: list[str], blocks: set[str], tmp_path: Path
) -> None:
    """Opening a stack of this machine loads no block, and nothing of what speaks to a server."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: x, date: 2026-01-01, team: [y]}\n")
    assert main(["--project", str(tmp_path), "data", "ls"]) == 0  # the first command makes the database

    loaded = _loaded(words, tmp_path, whole=True)

    assert {name for name in _BLOCKS if f"stackcanvas.{name}" in loaded} == blocks
    assert "stackcanvas.stack.served.link" not in loaded


def _loaded(words: list[str], folder: Path, *, whole: bool = False) -> set[str]:
    """The libraries that a command has loaded when it is done; with all their modules where that is asked."""
    program = (
        "import sys\nfrom stackcanvas.cli.main import main\n"
        f"main({words!r})\nprint(*sorted(sys.modules), file=open('loaded', 'w'))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True)
    loaded = (folder / "loaded").read_text().split()
    return set(loaded) if whole else {name for name in loaded if "." not in name}


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """`stackcanvas --help | head -1` ends quietly."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m stackcanvas.cli --help | true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_no_name_stands_twice_in_the_table() -> None:
    """A command lies in one section only."""
    names = [name for entries in SECTIONS.values() for name in entries]

    assert len(names) == len(set(names))
