"""The user's code and the pipelines that it defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks import pipelines as answered
from stackcanvas.pipelines import Address, Definitions, Pipelines, Scheduler, Trigger, Worker, Worktrees
from stackcanvas.stack.root import FOLDER

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_OPENER = "stackcanvas.stack.opening:open"


def project(stack: Stack) -> Definitions:
    """What `pipelines.py` and `features.py` define.

    A work tree whose state is that of another folder is the same project: what it pickles can be read there.
    """
    state = stack.folder.resolve()
    return Definitions(stack.root, identity=state.parent if state.name == FOLDER else None)


def build(stack: Stack) -> Pipelines:
    """The pipelines of a project."""
    return Pipelines(
        stack.spine,
        stack.objects,
        stack.executor,
        stack.project,
        experiments=stack.experiments,
        source=stack.data,
        context=lambda: stack,
        address=Address(_OPENER, str(stack.root), environment=stack.environment),
    )


def scheduler(stack: Stack) -> Scheduler:
    """Queues what the canvas says is due."""
    return Scheduler(stack.spine, stack.pipelines.records, triggers=lambda: triggers(stack))


def worker(stack: Stack) -> Worker:
    """Executes what is queued, each run in a process of its own and on the code of its commit.

    The folder of a workspace is no part of its project's repository, and has commits only where it is one itself.
    """
    has_commits = stack.workspace is None or (stack.root / ".git").exists()
    return Worker(stack.pipelines, worktrees=Worktrees(stack.root, stack.folder / "worktrees") if has_commits else None)


def triggers(stack: Stack) -> list[Trigger]:
    """The entries of `pipelines.retraining` that start by themselves."""
    entries: tuple[answered.Trigger, ...] = stack.answers().get("pipelines.retraining") or ()
    return [
        Trigger(
            entry.pipeline,
            cron=entry.cron,
            on=None if entry.on is None else str(entry.on),
            timezone=entry.timezone,
        )
        for entry in entries
        if entry.cron is not None or entry.on is not None
    ]
