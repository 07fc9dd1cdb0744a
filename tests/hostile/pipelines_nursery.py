"""Processes to be killed, at a hundredth of the cost: one imports everything, and each child is forked from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from signal import SIGKILL
from types import TracebackType
from typing import Any, Self

PIPELINES = str(Path(__file__).parent.parent / "pipelines")


class Nursery:
    """Starts children that run a function of this module."""

    def __enter__(self) -> Self:
        surroundings = os.environ | {"PYTHONPATH": PIPELINES}
        words = [sys.executable, __file__]
        self._process = subprocess.Popen(
            words, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def start(self, function: str, *words: str) -> int:
        """The process id of a child that runs the function with these words."""
        return int(self._ask([function, *words]))

    def wait(self, pid: int) -> int:
        """How a child ended: 0, its exit code, or the signal as a negative number."""
        return int(self._ask(["wait", str(pid)]))

    def kill(self, pid: int) -> bool:
        """Kill a child; whether it was still at work."""
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
        return self.wait(pid) == -SIGKILL

    def _ask(self, words: list[str]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def opened(root: str) -> Any:
    """The project of a folder."""
    import opened_project  # type: ignore[import-not-found]

    return opened_project.open_project(root)


def run(root: str) -> None:
    """Run the pipeline, or go on with its run."""
    stack = opened(root)
    runs = stack.pipelines.runs()
    if not runs:
        stack.pipelines.run("train")
    elif runs[0].state != "finished":
        stack.pipelines.resume(runs[0].id)


def schedule(root: str, start: str) -> None:
    """Tick for ever, on a time that runs a thousand times faster."""
    from stackcanvas.clock import SystemClock
    from stackcanvas.pipelines import Scheduler, Trigger

    stack = opened(root)
    began = datetime.fromisoformat(start)
    triggers = [Trigger("train", concurrency=None, **reason) for reason in REASONS]
    scheduler = Scheduler(stack.spine, stack.pipelines.records, triggers=lambda: triggers)
    while True:
        scheduler.tick(began + 1000 * (SystemClock().now() - began))


def work(root: str) -> None:
    """Execute queued runs until there are none."""
    from stackcanvas.pipelines import run_next

    stack = opened(root)
    while run_next(stack.pipelines) is not None:
        pass


REASONS: list[dict[str, Any]] = [{"on": "data.committed"}, {"cron": "* * * * *"}]


def main() -> None:
    """Serve: a line of words in, a process id or an exit code out."""
    import opened_project  # noqa: F401 - imported once for all children

    for line in sys.stdin:
        name, *words = json.loads(line)
        if name == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(int(words[0]), 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                code = 1
                try:
                    globals()[name](*words)
                    code = 0
                finally:
                    os._exit(code)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
