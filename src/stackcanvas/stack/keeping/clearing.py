"""Clearing up: bytes that no record names any more go, wherever they lie; what is being written is waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from stackcanvas.data.records import is_remote
from stackcanvas.errors import Conflict
from stackcanvas.experiments.removing import strays
from stackcanvas.pipelines.removing import Clearing
from stackcanvas.registry import removing
from stackcanvas.stack.keeping.retention import cache_keep

if TYPE_CHECKING:
    from stackcanvas.data import Cleared
    from stackcanvas.stack.stack import Stack

KIND = "metadata.gc"
_IMPORT = "import.mlflow"  # brings the files of runs before their records
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What clearing up found and did.

    Args:
        data: the packs of data versions; see `Data.gc`. None where others push to the store: what they need is not
            known here.
        runs: files of runs and logged models that are no longer recorded.
        runs_bytes: their bytes.
        values: kept results of steps that nothing names.
        values_bytes: their bytes.
        models: files that only deleted versions of models had, or none that was ever recorded.
        models_bytes: their bytes.
        waiting: ids of work that was still writing when the patience was over; what it may need was left.
        dry: nothing was done, the numbers tell what would be.
    """

    data: Cleared | None
    runs: int
    runs_bytes: int
    values: int
    values_bytes: int
    models: int
    models_bytes: int
    waiting: tuple[str, ...] = ()
    dry: bool = False


def reclaim(stack: Stack, *, dry: bool, patience: timedelta) -> Reclaimed:
    """Remove what nothing names; see `Keeping.gc`."""
    shared = is_remote(stack.objects)
    if dry:
        found = _strays(stack)
        values = _clearing(stack).look()
        sizes = [size for files in found.values() for _, size in files]
        models = _models(stack).look()
        counts = (len(sizes), sum(sizes), values.values, values.size_bytes, len(models), sum(models.values()))
        return Reclaimed(stack.data.gc(dry=True), *counts, dry=True)
    with stack.spine.record(KIND) as recording:
        stack.spine.executions.reap()
        others = stack.spine.executions.search(kind=KIND, state="running")
        if any(one.id < recording.id for one in others):
            raise Conflict("somebody is clearing up already", fix="Wait until it is done")
        data = None if shared else stack.data.gc(patience=patience)
        files, size_bytes, waiting = _clear_files(stack, patience)
        done = _clearing(stack).clear(patience=patience)
        files_of_models = _models(stack).clear()
        still = (*(data.waiting if data is not None else ()), *waiting, *done.waiting)
        return Reclaimed(data, files, size_bytes, done.values, done.size_bytes, *files_of_models, still)


def _clearing(stack: Stack) -> Clearing:
    keep = cache_keep(stack)
    since = None if keep is None else stack.spine.clock.now() - keep
    return Clearing(stack.spine, stack.objects, stack.pipelines.records, since=since)


def _models(stack: Stack) -> removing.Clearing:
    return removing.Clearing(stack.spine, stack.objects, needed=stack.serving.needed_files)


def _strays(stack: Stack) -> dict[str, list[tuple[str, int]]]:
    with stack.spine.read() as connection:
        return strays(connection, stack.objects)


def _clear_files(stack: Stack, patience: timedelta) -> tuple[int, int, tuple[str, ...]]:
    """Remove files of runs that are not recorded: how many, their bytes, and the work that may be about to record."""
    marked = _strays(stack)
    until = time.monotonic() + patience.total_seconds()
    while marked and _importing(stack) and time.monotonic() < until:
        time.sleep(_POLL_S)
        stack.spine.executions.reap()
    importing = _importing(stack) if marked else ()
    if importing:
        return 0, 0, importing
    again = _strays(stack)
    files = [one for place in marked if place in again for one in again[place]]
    for key, _ in files:
        stack.objects.delete(key)
    return len(files), sum(size for _, size in files), ()


def _importing(stack: Stack) -> tuple[str, ...]:
    return tuple(one.id for one in stack.spine.executions.search(kind=_IMPORT, state="running"))
