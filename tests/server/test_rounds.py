"""The rounds of a worker: every workspace is served, whatever the others do, and those that come and go are noticed."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from stackcanvas.metadata import Ref
from stackcanvas.pipelines.run import PipelineRun
from stackcanvas.server.rounds import Rounds
from stackcanvas.server.said import Said
from stackcanvas.stack import Stack
from stackcanvas.stack import open as open_stack

TRIGGERED = """
stackcanvas: 1
project: {name: triggered}
pipelines: {retraining: [{pipeline: train, on: data.committed}]}
"""
CODE = """
import stackcanvas as sc

@sc.pipeline
def train():
    return 1
"""

WAITS = """
@sc.step
def wait():
    import time
    time.sleep(300)
"""


class Seconds:
    """A clock of the machine that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now_s


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A project without workspaces."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    with open_stack(tmp_path) as opened:
        yield opened


def add(stack: Stack, name: str, *, code: str | None = CODE, canvas: str = TRIGGERED) -> Path:
    """Make a workspace in which a commit of data starts a pipeline; gives its folder."""
    stack.workspaces.add(name)
    folder: Path = stack.workspaces.folder(name)
    (folder / "canvas.yaml").write_text(canvas)
    if code is not None:
        (folder / "pipelines.py").write_text(code)
    return folder


def commit(stack: Stack, name: str) -> None:
    """Let an event happen that starts a pipeline."""
    with open_stack(stack.root, workspace=name) as own, own.spine.write() as tx:
        own.spine.events.emit(tx, "data.committed", Ref("data", "flights", "1"))


def runs(stack: Stack, name: str) -> list[PipelineRun]:
    """The runs of pipelines of a workspace."""
    with open_stack(stack.root, workspace=name) as own:
        found: list[PipelineRun] = own.pipelines.runs()
        return found


def whole(rounds: Rounds, now_s: Seconds) -> None:
    """Everything that is due within one period, in this thread."""
    now_s.now_s += 2.5
    rounds.look()
    while rounds.once():
        pass


def test_those_that_come_change_and_go_are_noticed(stack: Stack) -> None:
    """Without a restart: a fresh one is served, a changed canvas holds, a removed one is left alone."""
    now_s, said = Seconds(), Said(logging.getLogger("test"))
    rounds = Rounds(stack, holder="here", said=said, now_s=now_s)
    whole(rounds, now_s)
    folder = add(stack, "a", code=None, canvas="stackcanvas: 1\nproject: {name: a}\n")
    commit(stack, "a")
    whole(rounds, now_s)
    assert len(runs(stack, "a")) == 0
    (folder / "canvas.yaml").write_text(TRIGGERED)
    whole(rounds, now_s)
    commit(stack, "a")
    whole(rounds, now_s)
    assert len(runs(stack, "a")) == 1
    stack.workspaces.rm("a")
    whole(rounds, now_s)
    assert said.failing() == {}
    assert not folder.exists()
    add(stack, "a", code=None)
    whole(rounds, now_s)
    commit(stack, "a")
    whole(rounds, now_s)
    assert len(runs(stack, "a")) == 1
    rounds.close()


def test_a_broken_one_is_told_and_stops_no_other(stack: Stack) -> None:
    """One whose file is no database, one whose canvas has errors; mended, they are served."""
    now_s, said = Seconds(), Said(logging.getLogger("test"))
    rounds = Rounds(stack, holder="here", said=said, now_s=now_s)
    for name in ("a", "b", "c"):
        add(stack, name, code=None)
    broken = stack.workspaces.folder("a") / "metadata.db"
    whole_bytes = broken.read_bytes()
    broken.write_bytes(b"no database at all" * 100)
    (stack.workspaces.folder("b") / "canvas.yaml").write_text("stackcanvas: 1\nproject: {nme: b}\n")
    whole(rounds, now_s)
    commit(stack, "c")
    whole(rounds, now_s)

    assert len(runs(stack, "c")) == 1
    assert set(said.failing()) == {"the workspace a", "the workspace b"}
    assert "not a sound SQLite database" in said.failing()["the workspace a"]
    (stack.workspaces.folder("b") / "canvas.yaml").write_text(TRIGGERED)
    broken.write_bytes(whole_bytes)
    now_s.now_s += 60
    whole(rounds, now_s)
    assert said.failing() == {}
    rounds.close()


def test_one_that_hangs_leaves_threads_to_the_others(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it does never ends, and yet the next one is served."""
    for name in ("a", "b"):
        add(stack, name, code=None)
    ends, ticks = threading.Event(), Stack.ticks
    served: set[str] = set()

    def counted(own: Stack) -> object:
        if own.workspace == "a":
            return dict.fromkeys(ticks(own), lambda _: ends.wait())
        return {name: partial(lambda name, _: served.add(name), name) for name in ticks(own)}

    monkeypatch.setattr(Stack, "ticks", counted)
    rounds, stop = Rounds(stack, holder="here"), threading.Event()
    rounds.look()
    threads = [threading.Thread(target=rounds.run, args=(stop,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    last = time.monotonic() + 60
    while len(served) < len(ticks(stack)) and time.monotonic() < last:
        time.sleep(0.01)
    ends.set()
    stop.set()
    for thread in threads:
        thread.join(30)
    rounds.close()
    assert served == set(ticks(stack))
    assert not any(thread.is_alive() for thread in threads)


def test_audit_heads_are_published_and_lost_work_is_ended(tmp_path: Path) -> None:
    """As for the project; by the clock of the stack."""
    (tmp_path / "canvas.yaml").write_text("stackcanvas: 1\nproject: {name: delays}\n")
    with open_stack(tmp_path) as stack:
        add(stack, "a", code=None)
        with open_stack(tmp_path, workspace="a") as own:
            own.tokens.add("ada", role="reader")
        now_s = Seconds()
        rounds = Rounds(stack, holder="here", now_s=now_s)
        whole(rounds, now_s)
        rounds.close()
        with open_stack(tmp_path, workspace="a") as own:
            assert [info.key for info in own.objects.list() if info.key.startswith("audit/")]


def test_queued_runs_are_executed_in_turn(stack: Stack) -> None:
    """With one slot for all: the one who has the most to do does not go before the others each time."""
    for name, count in (("a", 2), ("b", 1)):
        add(stack, name)
        with open_stack(stack.root, workspace=name) as own:
            for _ in range(count):
                own.pipelines.queue("train")
    now_s = Seconds()
    rounds = Rounds(stack, holder="here", runs=1, now_s=now_s)
    last = time.monotonic() + 120
    ended: list[tuple[str, str]] = []
    while len(ended) < 3 and time.monotonic() < last:
        time.sleep(0.3)
        whole(rounds, now_s)
        ended = [(str(run.ended), name) for name in ("a", "b") for run in runs(stack, name) if run.state == "finished"]
    rounds.close()
    assert [name for _, name in sorted(ended)] == ["a", "b", "a"]


def test_one_removed_while_its_run_is_executed_leaves_nothing(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Its child is ended and its slot is free; a canvas that changes meanwhile waits for the run."""
    for name in ("a", "b"):
        add(stack, name, code=CODE.replace("return 1", "return wait()") + WAITS)
    with open_stack(stack.root, workspace="a") as own:
        own.pipelines.queue("train")
    now_s, said = Seconds(), Said(logging.getLogger("test"))
    rounds = Rounds(stack, holder="here", runs=1, said=said, now_s=now_s)
    whole(rounds, now_s)
    canvas = stack.workspaces.folder("a") / "canvas.yaml"
    canvas.write_text(f"{TRIGGERED}value: {{goal: more}}\n")
    whole(rounds, now_s)
    assert [run.state for run in runs(stack, "a")] != ["finished"]
    stack.workspaces.rm("a")
    with open_stack(stack.root, workspace="b") as own:
        own.pipelines.queue("train")
    whole(rounds, now_s)
    (started,) = runs(stack, "b")
    with open_stack(stack.root, workspace="b") as own:
        assert own.pipelines.records.get(started.id).state in {"queued", "running"}
        assert own.pipelines.claim() is None
    rounds.close()
    assert said.failing() == {}
    assert caplog.records == []
    assert not (stack.root / ".stackcanvas" / "workspaces" / "a").exists()


def test_on_a_shared_database_one_worker_at_a_time_serves_them(tmp_path: Path, postgres_url: str) -> None:
    """The others stand by; what the first gives back, the next one takes."""
    canvas = "stackcanvas: 1\nproject: {name: delays}\nmetadata: {store: {url: '${STATE}'}}\n"
    environ = {**os.environ, "STATE": postgres_url}
    roots = [tmp_path / name for name in ("one", "two")]
    for root in roots:
        root.mkdir()
        (root / "canvas.yaml").write_text(canvas)
    with open_stack(roots[0], environ=environ) as first, open_stack(roots[1], environ=environ) as second:
        for stack in (first, second):
            if not stack.workspaces.has("a"):
                stack.workspaces.add("a")
            stack.workspaces.open("a").close()
            (stack.workspaces.folder("a") / "canvas.yaml").write_text(TRIGGERED)
        now_s = Seconds()
        workers = [Rounds(stack, holder=stack.root.name, now_s=now_s) for stack in (first, second)]
        whole(workers[0], now_s)
        with first.workspaces.open("a") as own:
            for number in range(1, 4):
                with own.spine.write() as tx:
                    own.spine.events.emit(tx, "data.committed", Ref("data", "flights", str(number)))
                for worker in workers:
                    whole(worker, now_s)
                assert len(own.pipelines.runs()) == number
                assert [lease.holder for lease in own.spine.leases.holders() if lease.name == "ticks"] == [
                    "one" if number < 3 else "two"
                ]
                if number == 2:
                    workers.pop(0).close()
        # Killed, it gives nothing back; who is started in its place need not wait for that.
        workers[0] = Rounds(second, holder="two again", before="two", now_s=now_s)
        with first.workspaces.open("a") as own:
            whole(workers[0], now_s)
            assert [lease.holder for lease in own.spine.leases.holders() if lease.name == "ticks"] == ["two again"]
        workers[0].close()
