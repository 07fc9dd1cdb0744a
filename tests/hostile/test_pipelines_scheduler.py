"""Schedulers and workers that are killed anywhere: each event and each slot still causes one run, and each run ends."""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stackcanvas.clock import SystemClock
from stackcanvas.metadata import Ref
from stackcanvas.pipelines import Scheduler, Trigger

CODE = """
import stackcanvas as sc

@sc.step(cache=False)
def work(number):
    return number + 1

@sc.pipeline
def train():
    number = 0
    for _ in range(8):
        number = work(number)
    return number
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


def play(hostile: Any, root: Path, seed: int, *, kills: int) -> None:
    """Two schedulers beside each other, killed again and again, while events come."""
    rng = random.Random(seed)
    root.mkdir()
    (root / "pipelines.py").write_text(CODE)
    stack = opened(root)
    start = SystemClock().now()
    triggers = [
        Trigger("train", concurrency=None, **reason) for reason in importlib.import_module("pipelines_nursery").REASONS
    ]
    scheduler = Scheduler(stack.spine, stack.pipelines.records, triggers=lambda: triggers)
    scheduler.tick(start)
    emitted = 0
    for _ in range(kills):
        children = [hostile.start("schedule", str(root), start.isoformat()) for _ in range(2)]
        for _ in range(rng.randrange(1, 6)):
            with stack.spine.write() as tx:
                emitted += 1
                stack.spine.events.emit(tx, "data.committed", Ref("data", "flights", str(emitted)))
            time.sleep(rng.uniform(0.0, 0.03))
        assert all(hostile.kill(child) for child in children), f"seed {seed}: a scheduler ended by itself"
    last = start + 1000 * (SystemClock().now() - start)
    scheduler.tick(last)
    caused = [run.trigger for run in stack.pipelines.runs(limit=100_000)]
    assert len(set(caused)) == len(caused), f"seed {seed}: something fired twice"
    expected = {f"data.committed data:flights@{number + 1}" for number in range(emitted)}
    assert {word for word in caused if word.startswith("data")} == expected, f"seed {seed}: an event was lost"
    slots = [word for word in caused if word.startswith("cron")]
    assert f"cron {last.replace(second=0, microsecond=0).isoformat()}" in slots, f"seed {seed}: a slot was lost"
    assert len(slots) <= (last - start) / timedelta(minutes=1) + 1
    stack.spine.database.close()


def test_killed_schedulers_fire_each_event_and_slot_once(hostile: Any, tmp_path: Path) -> None:
    """Two at once, killed at any moment."""
    for seed in range(2):
        play(hostile, tmp_path / str(seed), seed, kills=5)


@pytest.mark.soak
def test_hundreds_of_killed_schedulers(hostile: Any, tmp_path: Path) -> None:
    """As above, six hundred of them."""
    for seed in range(15):
        play(hostile, tmp_path / str(seed), 1000 + seed, kills=20)


def test_killed_workers_lose_no_run(hostile: Any, tmp_path: Path) -> None:
    """Two at once, killed at any moment: each run ends once."""
    rng = random.Random(7)
    (tmp_path / "pipelines.py").write_text(CODE)
    stack = opened(tmp_path)
    runs = [stack.pipelines.queue("train") for _ in range(6)]
    for _ in range(5):
        children = [hostile.start("work", str(tmp_path)) for _ in range(2)]
        time.sleep(rng.uniform(0.02, 0.15))
        for child in children:
            hostile.kill(child)
    assert hostile.wait(hostile.start("work", str(tmp_path))) == 0

    ended = stack.spine.events.latest(names=["run.finished"])
    assert sorted(str(event.subject) for event in ended) == sorted(str(run.ref) for run in runs)
    assert {stack.pipelines.get(run.id).state for run in runs} == {"finished"}
    assert [stack.pipelines.result(run.id) for run in runs] == [8] * 6
    stack.spine.database.close()
