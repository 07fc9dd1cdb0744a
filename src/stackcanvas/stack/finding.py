"""What is known of views beyond their own block: which models take them, and what does not fit the canvas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from stackcanvas.canvas.blocks.features import Computation
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Ref
from stackcanvas.stack.featuring import lookup

if TYPE_CHECKING:
    from stackcanvas.stack.stack import Stack

_MODES = {"batch": "batch", "stream": "streaming", "on demand": "on demand"}


def takers(stack: Stack) -> dict[tuple[str, str], list[Ref]]:
    """By view and feature the model versions that take it: the newest of each model, and what is live."""
    refs = {status.live for status in stack.deployment.ls()}
    for model in stack.registry.ls():
        with suppress(NotFound):  # it has no version yet
            refs.add(stack.registry.get(model.name).ref)
    found: dict[tuple[str, str], list[Ref]] = defaultdict(list)
    demanded = stack.features.catalog.demanded
    for ref in sorted(refs, key=str):
        columns = (lookup(stack, ref) or {"columns": {}})["columns"]
        asked = dict.fromkeys(columns.values())
        for one in tuple(asked):
            view = one.partition(":")[0]
            asked |= dict.fromkeys(demanded[view].inputs if view in demanded else ())
        for one in asked:
            view, _, feature = one.partition(":")
            found[view, feature].append(ref)
    return dict(found)


def concerns(stack: Stack) -> Iterator[str]:
    """What does not fit between the canvas and the views, a sentence each."""
    answered: tuple[Computation, ...] = stack.answers().get("features.computation") or ()
    kinds = {one.view: one.kind for one in stack.features.status()}
    for said in answered:
        kind = kinds.get(said.view)
        if kind is None:
            yield f"`features.computation` names the view {said.view}, which `features.py` does not define."
        elif said.mode != _MODES[kind]:
            yield f"`features.computation` says that {said.view} is {said.mode}; `features.py` says {_MODES[kind]}."
