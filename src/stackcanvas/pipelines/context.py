"""What a step can ask for beside its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stackcanvas.clock import Clock
from stackcanvas.experiments import Run


@dataclass(frozen=True, slots=True)
class Context:
    """Given to the parameter of a step that is annotated with it; no part of the step's cache key.

    A step that has one is not cached unless it says `cache=True`, because what it reads in this way is not seen by
    the cache.

    Args:
        run: the tracked run of the pipeline, for metrics, parameters and artifacts.
        clock: what time it is for records; simulated in a replay.
        seed: for random numbers; the same for the same step of a run with the same seed.
        step: the name of the step in this run.
        trigger: what started the run: `manual`, a cron slot or an event.
        opened: gives the stack.
    """

    run: Run
    clock: Clock
    seed: int
    step: str
    trigger: str
    opened: Callable[[], Any] = field(repr=False)

    @property
    def stack(self) -> Any:
        """The stack of the project, opened when it is first asked for."""
        return self.opened()
