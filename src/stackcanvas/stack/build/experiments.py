"""Experiments over the spine and the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.experiments import Experiments, Wanted

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Experiments:
    """The runs of a project; those whose process died on this machine are marked, as nobody else may be there to."""
    answers = stack.answers()
    wanted = Wanted(
        metadata=answers.get("experiments.metadata") or (),
        metrics=tuple(metric.name for metric in answers.get("experiments.metrics") or ()),
    )
    made = Experiments(stack.spine, stack.objects, root=stack.root, wanted=wanted)
    made.reap()
    return made
