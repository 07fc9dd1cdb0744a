"""Runs of pipelines that are killed anywhere: resumed, they end, and no finished step is run twice."""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

STEPS = 12
CODE = f"""
import stackcanvas as sc
from pathlib import Path
HERE = Path(__file__).parent

@sc.step(cache=False)
def work(before, number):
    with (HERE / "calls").open("a") as file:
        file.write(f"{{number}}\\n")
    return before + number

@sc.step(cache=False)
def large(value):
    return bytes(60_000), value

@sc.pipeline
def train():
    value = 0
    for number in range({STEPS}):
        value = work(value, number)
    return large(value)[1]
"""


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module that starts processes, and one of its nurseries."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "pipelines"))
    module = importlib.import_module("pipelines_nursery")
    with module.Nursery() as nursery:
        yield nursery


def opened(root: Path) -> Any:
    """The project in this process."""
    return importlib.import_module("opened_project").open_project(str(root))


def calls(root: Path) -> list[int]:
    """Which steps have begun, in order."""
    path = root / "calls"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def finished(root: Path) -> set[int]:
    """Which steps have finished, as the records tell."""
    if not (root / ".stackcanvas").exists():
        return set()
    stack = opened(root)
    steps = [step for run in stack.pipelines.runs() for step in stack.pipelines.steps(run.id)]
    stack.spine.database.close()
    done = [step.node for step in steps if step.state == "finished" and step.step == "work"]
    return {int(node.partition("#")[2] or 1) - 1 for node in done}


def play(hostile: Any, root: Path, seed: int) -> int:
    """Kill a run again and again, then let it end; gives how often it was killed at work."""
    rng = random.Random(seed)
    root.mkdir()
    (root / "pipelines.py").write_text(CODE)
    kills = 0
    for _ in range(4):
        known, before = finished(root), len(calls(root))
        child = hostile.start("run", str(root))
        time.sleep(rng.uniform(0.0, 0.15))
        kills += hostile.kill(child)
        again = known.intersection(calls(root)[before:])
        assert not again, f"seed {seed}: finished steps ran again: {again}"
    assert hostile.wait(hostile.start("run", str(root))) == 0, f"seed {seed}: it could not be resumed"
    stack = opened(root)
    (run,) = stack.pipelines.runs()
    assert run.state == "finished", f"seed {seed}: {run.error}"
    assert stack.pipelines.result(run.id) == sum(range(STEPS))
    assert {step.state for step in stack.pipelines.steps(run.id)} == {"finished"}
    ended = [found for found in stack.spine.executions.search(parent=run.id, limit=1000) if found.state == "done"]
    assert len(ended) == STEPS + 1, f"seed {seed}"
    assert stack.spine.executions.get(run.id).state == "done"
    assert stack.experiments.get(run.id).status == "finished"
    assert len(stack.spine.events.latest(names=["run.finished"])) == 1
    stack.spine.database.close()
    return kills


def test_a_killed_run_is_resumed_and_no_finished_step_runs_twice(hostile: Any, tmp_path: Path) -> None:
    """Killed at any moment, several times."""
    kills = sum(play(hostile, tmp_path / str(seed), seed) for seed in range(5))

    assert kills >= 3


@pytest.mark.soak
def test_hundreds_of_killed_runs(hostile: Any, tmp_path: Path) -> None:
    """As above, until three hundred were killed at work."""
    kills = seed = 0
    while kills < 300:
        seed += 1
        kills += play(hostile, tmp_path / str(seed), 1000 + seed)
