"""Work in warm processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import psutil
import pytest

from stackcanvas.backends.executor import Executor
from stackcanvas.backends.executor.processes import ProcessExecutor
from stackcanvas.errors import BadInput, Unavailable
from stackcanvas.testing.executor import ExecutorSuite


class TestProcessExecutor(ExecutorSuite):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        """Two processes."""
        executor = ProcessExecutor(2)
        yield executor
        executor.close()


@pytest.fixture
def pool() -> Iterator[ProcessExecutor]:
    """Two processes."""
    pool = ProcessExecutor(2)
    yield pool
    pool.close()


def test_workers_are_warm(pool: ProcessExecutor) -> None:
    """One task after the other runs in the same process, which is not this one."""
    first = pool.submit("os:getpid").result(60)

    assert {pool.submit("os:getpid").result(60) for _ in range(5)} == {first}
    assert first != os.getpid()


def test_tasks_run_beside_each_other(pool: ProcessExecutor, tmp_path: Path) -> None:
    """Two tasks that wait for each other through a pipe both end."""
    os.mkfifo(tmp_path / "pipe")

    written = pool.submit("pathlib:Path.write_text", tmp_path / "pipe", "hello")
    read = pool.submit("pathlib:Path.read_text", tmp_path / "pipe")

    assert (written.result(60), read.result(60)) == (5, "hello")


def test_a_killed_worker_fails_only_its_task(pool: ProcessExecutor, tmp_path: Path) -> None:
    """The task of a killed worker is Unavailable, its neighbour goes on, and the pool works again."""
    os.mkfifo(tmp_path / "pipe")
    neighbour = pool.submit("pathlib:Path.read_text", tmp_path / "pipe")
    killed = pool.submit("signal:raise_signal", signal.SIGKILL)

    with pytest.raises(Unavailable, match="'signal:raise_signal' was killed by SIGKILL"):
        killed.result(60)

    (tmp_path / "pipe").write_text("still here")
    assert neighbour.result(60) == "still here"
    assert [pool.submit("operator:add", number, 1).result(60) for number in range(10)] == list(range(1, 11))


def test_a_worker_that_ends_itself(pool: ProcessExecutor) -> None:
    """A worker that leaves without a word is named with its exit code."""
    with pytest.raises(Unavailable, match="exit code 7"):
        pool.submit("os:_exit", 7).result(60)

    assert pool.submit("operator:add", 1, 2).result(60) == 3


def test_a_worker_killed_while_idle(pool: ProcessExecutor) -> None:
    """The next task does not suffer from it."""
    process = psutil.Process(_number(pool.submit("os:getpid").result(60)))
    process.kill()
    process.wait(60)

    assert pool.submit("operator:add", 1, 2).result(60) == 3


def test_what_cannot_be_sent(pool: ProcessExecutor) -> None:
    """Arguments and results that cannot be pickled are said, and the pool works on."""
    with pytest.raises(BadInput, match="arguments"):
        pool.submit("operator:add", lambda: 1, 2)
    with pytest.raises(BadInput, match="result"):
        pool.submit("threading:Lock").result(60)

    assert pool.submit("operator:add", 1, 2).result(60) == 3


def test_close_cancels_and_stops(tmp_path: Path) -> None:
    """What has not started is cancelled, what runs is stopped, and no process is left."""
    pool = ProcessExecutor(1)
    process = psutil.Process(_number(pool.submit("os:getpid").result(60)))
    os.mkfifo(tmp_path / "pipe")
    running = pool.submit("pathlib:Path.read_text", tmp_path / "pipe")
    queued = pool.submit("operator:add", 1, 2)
    _until(running.running)

    pool.close()

    with pytest.raises(Unavailable):
        running.result(0)
    with pytest.raises(CancelledError):
        queued.result(0)
    assert not process.is_running()


def test_a_queued_task_can_be_cancelled(pool: ProcessExecutor, tmp_path: Path) -> None:
    """A task that waits for a worker can be taken back."""
    os.mkfifo(tmp_path / "pipe")
    busy = [pool.submit("pathlib:Path.read_text", tmp_path / "pipe") for _ in range(2)]
    _until(lambda: all(future.running() for future in busy))
    queued = pool.submit("operator:add", 1, 2)

    assert queued.cancel()
    assert queued.cancelled()
    assert busy[0].cancel() is False


def test_workers_find_what_the_parent_finds(
    pool: ProcessExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module on the parent's path is on the worker's too."""
    (tmp_path / "users_module.py").write_text("def answer():\n    return 42\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert pool.submit("users_module:answer").result(60) == 42


_PARENT = """
import sys
from stackcanvas.backends.executor import open_executor
pool = open_executor("processes:2")
print(pool.submit("os:getpid").result(), flush=True)
pool.submit("subprocess:run", ["sleep", "600"])
pool.submit("time:sleep", 600).result()
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_end_with_their_parent(sent: signal.Signals) -> None:
    """However the parent ends, its workers and what they started end too, though tasks are running."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    _until(lambda: len(psutil.Process(parent.pid).children(recursive=True)) == 3)
    family = psutil.Process(parent.pid).children(recursive=True)

    os.killpg(parent.pid, sent)
    _, talk = parent.communicate(timeout=60)

    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert talk.count("Traceback") == (1 if sent == signal.SIGINT else 0)


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    """A user's plain script can use workers: they do not run it again."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        print("once")
        from stackcanvas.backends.executor import open_executor
        pool = open_executor("processes:1")
        print(pool.submit("operator:add", 1, 2).result())
        """)
    )

    done = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True)

    assert done.stdout == "once\n3\n"


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _until(true: Callable[[], bool], timeout_s: float = 60) -> None:
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.005)):
        if true():
            return
        pause.wait(0.005)
    raise AssertionError("it never came true")
