"""`stackcanvas run` and `stackcanvas pipelines` on a project with a few steps."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.cli.main import main

MINIMAL = files("stackcanvas") / "examples" / "minimal" / "canvas.yaml"
CODE = """
import stackcanvas as sc

@sc.step
def load(n: int):
    print("loading", n)
    return list(range(n))

@sc.step(retries=0)
def mean(numbers):
    return sum(numbers) / len(numbers)

@sc.pipeline
def train(n: int = 4):
    '''The mean of some numbers.

    And more.
    '''
    return mean(load(n))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose steps run in this process."""
    canvas = MINIMAL.read_text().replace("pipelines:\n", 'pipelines:\n  location: {executor: "inline:"}\n')
    (tmp_path / "canvas.yaml").write_text(canvas)
    (tmp_path / "pipelines.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(project: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    """What a command prints on both streams."""

    def run(*words: str, code: int = 0) -> tuple[str, str]:
        capfd.readouterr()
        assert main(words) == code
        printed = capfd.readouterr()
        return printed.out, printed.err

    return run


def test_run_tells_what_became_of_each_step(call: Any) -> None:
    """The result on stdout, what the steps print on stderr; a second run takes them from the first."""
    out, err = call("run", "train")
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["load", "finished"], ["mean", "finished"]]
    assert "loading 4" in err

    told = json.loads(call("run", "train", "--format", "json")[0])
    assert told["run"]["state"] == "finished"
    assert [step["state"] for step in told["steps"]] == ["cached", "cached"]
    assert json.loads(call("run", "train", "--fresh", "--format", "json")[0])["steps"][0]["state"] == "finished"
    assert json.loads(call("run", "train", "-p", "n=2", "--format", "json")[0])["run"]["parameters"] == {"n": 2}


def test_a_failed_run_says_where_and_is_resumed(call: Any, project: Path) -> None:
    """The user's frames, the command that goes on, and exit code 1."""
    out, err = call("run", "train", "-p", "n=0", code=1)
    run_id = json.loads(call("pipelines", "runs", "--format", "json")[0])[0]["id"]

    assert "mean" in out
    assert "ZeroDivisionError: division by zero" in err
    assert "return sum(numbers) / len(numbers)" in err
    assert "perform.py" not in err
    assert f"stackcanvas run train --resume {run_id}" in err
    (project / "pipelines.py").write_text(CODE.replace("/ len(numbers)", "/ max(len(numbers), 1)"))
    told = json.loads(call("run", "train", "--resume", run_id, "--format", "json")[0])
    assert (told["run"]["id"], told["run"]["state"]) == (run_id, "finished")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "trian"], 4, "Did you mean 'train'"),
        (["run", "train", "-p", "m=3"], 3, "has no parameter 'm'"),
        (["run", "train", "-p", "n"], 2, "name=value"),
        (["run", "train", "-p", "n=few"], 3, "no int"),
        (["run", "train", "--resume", "nothing"], 4, "nothing"),
        (["run", "train", "--resume", "x", "-p", "n=1"], 2, "Leave out -p"),
        (["pipelines", "logs", "nothing"], 4, "nothing"),
        (["pipelines", "cancel", "nothing"], 4, "nothing"),
    ],
)
def test_a_mistake_has_a_sentence_and_an_exit_code(call: Any, words: list[str], code: int, said: str) -> None:
    """Nothing is recorded."""
    _, err = call(*words, code=code)

    assert said in err
    assert json.loads(call("pipelines", "runs", "--format", "json")[0]) == []


def test_broken_code_is_named_with_its_line(call: Any, project: Path) -> None:
    """Before anything runs."""
    (project / "pipelines.py").write_text(CODE + "def broken(:\n")

    _, err = call("run", "train", code=3)

    assert "pipelines.py:20:12: the file is no valid Python" in err


def test_pipelines_are_listed_and_shown(call: Any) -> None:
    """With parameters, and what each step needs."""
    (found,) = json.loads(call("pipelines", "ls", "--format", "json")[0])
    steps = json.loads(call("pipelines", "show", "train", "--format", "json")[0])

    assert (found["name"], found["parameters"], found["summary"]) == ("train", {"n": 4}, "The mean of some numbers.")
    assert [(step["node"], step["needs"]) for step in steps] == [("load", []), ("mean", ["load"])]


def test_logs_show_what_a_step_printed_and_where_it_failed(call: Any) -> None:
    """Of all steps, or of one."""
    call("run", "train", "-p", "n=0", code=1)
    run_id = json.loads(call("pipelines", "runs", "train", "--state", "failed", "--format", "json")[0])[0]["id"]

    out, _ = call("pipelines", "logs", run_id)
    assert "loading 0" in out
    assert "ZeroDivisionError" in out
    (only,) = json.loads(call("pipelines", "logs", run_id, "load", "--format", "json")[0])
    assert only == {"node": "load", "text": "loading 0\n"}
    assert "Did you mean 'load'" in call("pipelines", "logs", run_id, "laod", code=4)[1]
    assert "mean" in call("pipelines", "steps", run_id)[0]


def test_a_queued_run_waits_for_a_worker_and_can_be_cancelled(call: Any) -> None:
    """Its parameters are checked at once."""
    queued = json.loads(call("run", "train", "--queue", "-p", "n=3", "--format", "json")[0])
    assert (queued["state"], queued["parameters"]) == ("queued", {"n": 3})

    assert json.loads(call("pipelines", "cancel", queued["id"], "--format", "json")[0])["state"] == "cancelled"
    call("pipelines", "cancel", queued["id"], code=5)
