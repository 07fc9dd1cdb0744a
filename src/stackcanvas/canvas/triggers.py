"""Retraining has one definition: what monitoring names must be an entry of pipelines.retraining, or narrow one."""

from __future__ import annotations

from typing import Any

from stackcanvas.canvas.answered import Canvas
from stackcanvas.canvas.blocks.monitoring import RetrainingTrigger
from stackcanvas.canvas.blocks.pipelines import Trigger
from stackcanvas.canvas.events import EventPattern
from stackcanvas.errors import BadInput, nearest

_POINTER = "monitoring.retraining_trigger"
_ENTRIES = "pipelines.retraining"


def dangling(canvas: Canvas) -> list[BadInput]:
    """The entries of monitoring.retraining_trigger that no entry of pipelines.retraining covers, for every model."""
    found: list[BadInput] = []
    for model in (None, *canvas.models):
        own = canvas.models.get(model, {}) if model else {}
        if model and _POINTER not in own and _ENTRIES not in own:
            continue
        effective = canvas.effective(model=model)
        pointers: tuple[RetrainingTrigger, ...] = effective.get(_POINTER) or ()
        entries: tuple[Trigger, ...] = effective.get(_ENTRIES) or ()
        place = effective.origin(_POINTER)
        for number, pointer in enumerate(pointers):
            if not any(covers(entry, pointer) for entry in entries):
                found.append(_error(canvas, pointer, entries, origin=place, number=number))
    return found


def covers(entry: Trigger, pointer: RetrainingTrigger) -> bool:
    """Whether the pointer names this entry or a part of what it covers."""
    if entry.pipeline != pointer.pipeline or entry.cron != pointer.cron:
        return False
    if entry.on is None or pointer.on is None:
        return entry.on is pointer.on
    return entry.on.covers(pointer.on)


def _error(
    canvas: Canvas, pointer: RetrainingTrigger, entries: tuple[Trigger, ...], *, origin: Any, number: int
) -> BadInput:
    said = _said(pointer.pipeline, pointer.cron, pointer.on)
    known = [_said(entry.pipeline, entry.cron, entry.on) for entry in entries]
    near = nearest(said, known)
    return BadInput(
        f"{_POINTER} names {said}, which is no entry of {_ENTRIES}",
        where=canvas.where(f"{_POINTER}.{number}") if origin.kind == "canvas" else origin.where,
        expected=f"one of {', '.join(known)}" if known else f"an entry under {_ENTRIES}",
        fix=f"Perhaps you meant {near}" if near else None,
    )


def _said(pipeline: str, cron: str | None, on: EventPattern | None) -> str:
    if cron is not None:
        return f"{{pipeline: {pipeline}, cron: {cron}}}"
    return f"{{pipeline: {pipeline}, on: {on}}}" if on is not None else f"{{pipeline: {pipeline}}}"
