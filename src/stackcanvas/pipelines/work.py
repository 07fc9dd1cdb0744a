"""The worker's part: queued runs are claimed and executed, each in a process of its own.

A worker claims a run and hands it over to the child that executes it. When the one who holds it dies, the run is free
at once on the same host, and after the lease on others; whoever claims it goes on where it stood.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Semaphore

from stackcanvas.errors import StackCanvasError, Usage
from stackcanvas.pipelines.bench import Address
from stackcanvas.pipelines.pipelines import Pipelines
from stackcanvas.pipelines.run import RUNNING, PipelineRun
from stackcanvas.pipelines.worktree import Worktrees

_MODULE = "stackcanvas.pipelines.child"


@dataclass(frozen=True, slots=True)
class _Child:
    """A process that executes a run.

    Args:
        holder: the name under which the run was claimed for it.
    """

    process: subprocess.Popen[bytes]
    holder: str


class Worker:
    """Executes queued runs in child processes.

    Args:
        pipelines: of the project; their address is how a child opens it.
        worktrees: where triggered runs find the code of their commit; None executes the folder itself.
        parallel: how many runs are executed beside each other.
    """

    def __init__(self, pipelines: Pipelines, *, worktrees: Worktrees | None = None, parallel: int = 1) -> None:
        self._pipelines = pipelines
        self._worktrees = worktrees
        self._parallel = parallel
        self._slots: Semaphore | None = None
        self._children: dict[str, _Child] = {}

    def share(self, slots: Semaphore) -> None:
        """Take a slot for each run, of those that several stacks have together; call before the first tick."""
        self._slots = slots

    def rest(self) -> None:
        """Claim nothing more; the children that run go on."""
        self._parallel = 0

    @property
    def is_busy(self) -> bool:
        """Whether a child runs, as far as the last tick saw."""
        return bool(self._children)

    def tick(self, now: datetime) -> list[str]:  # noqa: ARG002 - every tick takes the time; runs wait for no time
        """Start a child for each run that may run now and for which there is room; gives their ids.

        Where slots are shared, one that was given back is left to the others until the next tick. A folder without code
        executes nothing: it may lie on another machine.
        """
        ended = self._reap()
        self._pipelines.reap()
        if self._worktrees is None and not self._pipelines.project.has("pipelines"):
            return []
        started: list[str] = []
        while len(self._children) < self._parallel and not (ended and self._slots) and self._take_slot():
            claimed = self._pipelines.claim()
            if claimed is None:
                self._give_slot()
                break
            run_id, holder = claimed
            try:
                self._children[run_id] = _Child(self._start(run_id, holder), holder)
            except StackCanvasError as error:  # its commit is gone, say: the next run may have another one
                self._give_slot()
                self._pipelines.fail(run_id, error)
            started.append(run_id)
        return started

    def wait(self, *, timeout_s: float | None = None) -> None:
        """Wait until the children that run now have ended."""
        for child in list(self._children.values()):
            child.process.wait(timeout_s)
        self._reap()

    def close(self) -> None:
        """End the children at once; their runs are gone on with by the next worker."""
        for child in self._children.values():
            child.process.kill()
        self.wait()

    def abandon(self) -> None:
        """End the children at once and say nothing of their runs, whose records are gone."""
        for child in self._children.values():
            child.process.kill()
            child.process.wait()
            self._give_slot()
        self._children.clear()

    def running(self) -> list[str]:
        """The ids of the runs whose children live."""
        self._reap()
        return list(self._children)

    def _start(self, run_id: str, holder: str) -> subprocess.Popen[bytes]:
        address = self._pipelines.bench.address
        if address is None:
            raise Usage("queued runs cannot be executed in another process: nothing says how to open the project there")
        folder, code = self._code(self._pipelines.get(run_id), address)
        words = [sys.executable, "-m", _MODULE, "--opener", address.opener, "--root", address.root]
        words += ["--run", run_id, "--holder", holder]
        if address.environment is not None:
            words += ["--environment", address.environment]
        # What a step opens by a relative path, and a project that it looks for upwards, are those of the run.
        surroundings = os.environ | {"STACKCANVAS_PROJECT": address.root}
        return subprocess.Popen([*words, *code], cwd=folder, env=surroundings, stdin=subprocess.DEVNULL)

    def _code(self, run: PipelineRun, address: Address) -> tuple[Path, list[str]]:
        """The folder of the code that a run executes; a run that goes on keeps its commit."""
        commit = None
        if self._worktrees is not None:
            commit = run.code.commit if run.started is not None else self._worktrees.head()
        if self._worktrees is None or commit is None:
            return Path(address.root), []
        folder = self._worktrees.at(commit)
        return folder, ["--code", str(folder), "--commit", commit]

    def _take_slot(self) -> bool:
        return self._slots is None or self._slots.acquire(blocking=False)

    def _give_slot(self) -> None:
        if self._slots is not None:
            self._slots.release()

    def _reap(self) -> bool:
        """Whether a child has ended."""
        ended = [run_id for run_id, child in self._children.items() if child.process.poll() is not None]
        for run_id in ended:
            child = self._children.pop(run_id)
            self._give_slot()
            # One that died before it took the run over has left it with this process.
            self._pipelines.release(run_id, child.holder)
            self._prune()
        return bool(ended)

    def _prune(self) -> None:
        if self._worktrees is not None:
            at_work = self._pipelines.runs(state=RUNNING)
            commits = {self._worktrees.head(), *(run.code.commit for run in at_work)}
            self._worktrees.prune({commit for commit in commits if commit is not None})


def run_next(pipelines: Pipelines) -> PipelineRun | None:
    """Claim the next queued run and execute it in this process; None when none may run now."""
    claimed = pipelines.claim()
    return None if claimed is None else pipelines.execute(*claimed)
