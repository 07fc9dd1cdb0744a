"""Labelling by people, as the canvas asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.data import Labelling
from stackcanvas.data.annotation import Annotation, Policy

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack


def build(stack: Stack) -> Annotation:
    """The queues of a project; how many people label an item, and the price of a label, come from the canvas."""
    answer: Labelling | None = stack.answers().get("data.labelling")
    currency = stack.canvas.project.currency
    if answer is None or not answer.needed:
        return Annotation(stack.data, stack.spine, Policy(currency=currency))
    return Annotation(stack.data, stack.spine, Policy(answer.labels_per_item, answer.price_per_label, currency))
