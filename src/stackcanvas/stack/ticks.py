"""What a worker does again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from stackcanvas.stack import admitting, featuring, heads, loop

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def ticks(stack: Stack) -> Mapping[str, Callable[[datetime], object]]:
    """The ticks by name; each takes the time it is, and doing one again changes nothing."""
    return {
        "scheduler": stack.scheduler.tick,
        "runs": stack.worker.tick,
        "releases": partial(loop.release, stack),
        "controller": stack.deployment.tick,
        "champions": partial(loop.crown, stack),
        "predictions": stack.serving.tick,
        "features": partial(featuring.refresh, stack),
        "pushed": partial(featuring.take, stack),
        "monitors": stack.monitoring.tick,
        "value": stack.value.tick,
        "tracked": lambda _: stack.experiments.reap(),
        "tokens": lambda _: admitting.publish(stack),
        "retention": stack.keeping.tick,
        "kept predictions": stack.keeping.tick_here,
        "audit": heads.Heads(stack).tick,
        "executions": lambda _: stack.spine.executions.reap(),
    }
