"""Steps of users that do what no step should: the run fails with a sentence, and nothing else is harmed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PRELUDE = """
import os, sys, threading
import stackcanvas as sc

class Silent(Exception):
    def __str__(self):
        raise RuntimeError("not even this")

class Unpicklable:
    def __reduce__(self):
        raise ValueError("never")

class Explosive:
    def __reduce__(self):
        return os.getenv, ("HOME", 1, 2, 3)

@sc.step
def fine(value=1):
    return value
"""
NASTY = {
    "sys.exit(3)": "SystemExit: 3",
    "raise Silent": "Silent, whose message cannot be read",
    "print('x'); sys.stdout.close(); os.chdir('/nowhere')": "FileNotFoundError",
    "raise ValueError('nul ' + chr(0) + ' and half ' + chr(0xD800))": "ValueError: nul \\x00 and half \\ud800",
    "raise ExceptionGroup('several', [ValueError('one'), OSError('two')])": "ExceptionGroup: several",
    "return nasty.definition.function()": "RecursionError",
    "return Unpicklable()": "a Unpicklable cannot be kept",
    "return threading.Lock()": "a lock cannot be kept",
    "raise MemoryError": "MemoryError",
    "raise StopIteration": "StopIteration",
    "return sc.dataset('flights')": "cannot be kept",
    "assert False, 'x' * 1_000_000": "AssertionError",
}


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The stack over a project with this code."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "pipelines"))
    stacks = []

    def opened(code: str) -> Any:
        (tmp_path / "pipelines.py").write_text(PRELUDE + code)
        stack = importlib.import_module("opened_project").open_project(str(tmp_path))
        stacks.append(stack)
        return stack

    yield opened
    for stack in stacks:
        stack.pipelines.project.forget()
        stack.spine.database.close()


@pytest.mark.parametrize("body", NASTY)
def test_a_step_that_misbehaves_fails_with_a_sentence(play: Callable[..., Any], body: str) -> None:
    """What stands beside it ends; this process and its streams are as before."""
    stack = play(f"""
@sc.step
def nasty():
    {body}

@sc.pipeline
def train():
    return nasty(), fine(), fine(nasty())
""")
    streams, limit = (sys.stdout, sys.stderr), sys.getrecursionlimit()

    run = stack.pipelines.run("train")

    assert (sys.stdout, sys.stderr) == streams
    assert sys.getrecursionlimit() == limit
    assert run.state == "failed"
    assert NASTY[body] in run.error
    assert len(run.error) < 70_000
    steps = {step.node: step.state for step in stack.pipelines.steps(run.id)}
    assert steps == {"nasty": "failed", "fine": "finished", "nasty#2": "failed", "fine#2": "blocked"}


def test_a_step_that_changes_its_arguments_changes_nothing_else(play: Callable[..., Any]) -> None:
    """The next one reads what was returned, in the first run as in a cached one."""
    stack = play("""
import numpy as np, polars as pl

@sc.step
def make():
    return {"list": [1], "array": np.zeros(2), "frame": pl.DataFrame({"a": [1]})}

@sc.step(cache=False)
def spoil(made):
    made["list"].append(2)
    made["array"][0] = 5
    made["frame"].insert_column(0, pl.Series("b", [1]))
    made["new"] = 1
    return len(made)

@sc.step(cache=False)
def look(made, after):
    return made["list"], made["array"].tolist(), made["frame"].columns, sorted(made)

@sc.pipeline
def train():
    made = make()
    return look(made, spoil(made))
""")
    expected = ([1], [0.0, 0.0], ["a"], ["array", "frame", "list"])

    assert [stack.pipelines.result(stack.pipelines.run("train").id) for _ in range(2)] == [expected] * 2


def test_a_kept_value_that_cannot_be_read_fails_the_step_that_wants_it(play: Callable[..., Any]) -> None:
    """Its class is gone, or raises when it is made again."""
    stack = play("""
@sc.step
def make():
    return [Explosive()]

@sc.pipeline
def train():
    return fine(make())
""")

    run = stack.pipelines.run("train")

    assert run.state == "failed"
    assert "fine: a kept value cannot be read with the code of today" in run.error
    assert "--fresh" in run.error


def test_a_body_that_misbehaves_leaves_no_record(play: Callable[..., Any]) -> None:
    """Handles that are compared, iterated, hidden in sets or kept from the run before."""
    stack = play("""
KEPT = []

@sc.pipeline
def compared():
    return fine(2) if fine(1) == 1 else fine(3)

@sc.pipeline
def unpacked():
    one, two = fine(1)
    return one

@sc.pipeline
def endless():
    return endless()

@sc.pipeline
def hidden():
    return fine({fine(1)})

@sc.pipeline
def kept():
    KEPT.append(fine(1))
    return fine(KEPT[0])
""")
    kept = "comes from another run"
    stack.pipelines.run("kept").check()
    for name, said in (
        ("compared", r"sc\.when"),
        ("unpacked", r"sc\.map"),
        ("endless", "RecursionError"),
        ("kept", kept),
    ):
        with pytest.raises(Exception, match=said) as refused:
            stack.pipelines.run(name)
        assert "pipelines.py" in str(refused.value)
    failed = stack.pipelines.run("hidden")

    assert "inside a list, a tuple or a dictionary only" in failed.error
    assert len(stack.pipelines.runs()) == 2
