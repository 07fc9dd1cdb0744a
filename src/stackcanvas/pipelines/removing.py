"""Runs of pipelines and kept results that are given up.

A result whose name stands in no run, step or cache any more is first condemned: from then on no step counts on it
without taking it back. Then the runs that were at work before are waited for. Then it is looked again which results
are named; and only what still nobody names is removed, each in the one transaction that a step would take it back in.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from stackcanvas.backends.objects import Objects
from stackcanvas.errors import NotFound
from stackcanvas.metadata import Spine
from stackcanvas.pipelines import encoding
from stackcanvas.pipelines.inputs import pins_from_json
from stackcanvas.pipelines.run import QUEUED, RUNNING, RunRecords
from stackcanvas.pipelines.tables import (
    pipeline_cache,
    pipeline_condemned,
    pipeline_run,
    pipeline_step,
    pipeline_value,
)
from stackcanvas.pipelines.values import PREFIX, value_key

_BATCH = 500
_AT_ONCE = 50  # bytes are removed inside a transaction, and others wait to write
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class ClearedValues:
    """What clearing up kept results found and did.

    Args:
        values: that were removed.
        size_bytes: of these.
        waiting: ids of runs that were still at work when the patience was over: nothing was removed then.
    """

    values: int
    size_bytes: int
    waiting: tuple[str, ...] = ()


def old_runs(connection: Connection, *, ended: datetime) -> list[str]:
    """The ids of the runs of pipelines that ended before an instant."""
    since = func.coalesce(pipeline_run.c.ended, pipeline_run.c.requested)
    at_rest = pipeline_run.c.state.not_in((QUEUED, RUNNING))
    return list(connection.execute(select(pipeline_run.c.id).where(at_rest, since < ended)).scalars())


def remove_runs(tx: Connection, ids: Sequence[str]) -> int:
    """Remove runs of pipelines with their steps, inside the caller's transaction; returns how many there were."""
    removed = 0
    for some in _batches(ids):
        tx.execute(delete(pipeline_step).where(pipeline_step.c.run.in_(some)))
        removed += tx.execute(delete(pipeline_run).where(pipeline_run.c.id.in_(some))).rowcount
    return removed


def old_keys(connection: Connection, *, used: datetime) -> list[str]:
    """The entries of the cache that were made before an instant and that no run has used since."""
    later = select(pipeline_run.c.id).where(pipeline_run.c.requested >= used)
    recent = select(pipeline_step.c.key).where(pipeline_step.c.key.is_not(None), pipeline_step.c.run.in_(later))
    chosen = select(pipeline_cache.c.key).where(pipeline_cache.c.created < used)
    return list(connection.execute(chosen.where(pipeline_cache.c.key.not_in(recent))).scalars())


def remove_keys(tx: Connection, keys: Sequence[str]) -> int:
    """Remove entries of the cache, inside the caller's transaction; returns how many there were."""
    return sum(
        tx.execute(delete(pipeline_cache).where(pipeline_cache.c.key.in_(some))).rowcount for some in _batches(keys)
    )


def erase_results(spine: Spine, objects: Objects, records: RunRecords, runs: Collection[str]) -> int:
    """Remove everything that runs kept, whoever else names it, and what their steps printed; returns how many results.

    Who reads them later is told that they are gone; steps that need them are run again.
    """
    digests: set[str] = set()
    clearing = Clearing(spine, objects, records)
    with spine.write() as tx:
        for some in _batches(sorted(runs)):
            step, run = pipeline_step.c, pipeline_run.c
            digests.update(tx.execute(select(step.value).where(step.run.in_(some), step.value.is_not(None))).scalars())
            digests.update(tx.execute(select(run.value).where(run.id.in_(some), run.value.is_not(None))).scalars())
            for pins in tx.execute(select(run.pins).where(run.id.in_(some))).scalars():
                digests.update(pin.digest for pin in pins_from_json(pins).values() if pin.kept)
            tx.execute(update(pipeline_step).where(step.run.in_(some)).values(log=None))
        digests |= clearing.parts_of(tx, digests)
    for some in _batches(sorted(digests), _AT_ONCE):
        with spine.write() as tx:
            for digest in some:
                objects.delete(value_key(digest))
            tx.execute(delete(pipeline_cache).where(pipeline_cache.c.value.in_(some)))
            tx.execute(delete(pipeline_value).where(pipeline_value.c.digest.in_(some)))
    return len(digests)


class Clearing:
    """Removes kept results that nothing names.

    Args:
        records: tells which runs are at work.
        since: runs that were asked for before this no longer name the results of their steps; None when all do.
    """

    def __init__(self, spine: Spine, objects: Objects, records: RunRecords, *, since: datetime | None = None) -> None:
        self._spine = spine
        self._objects = objects
        self._records = records
        self._since = since

    def look(self) -> ClearedValues:
        """What would be removed."""
        with self._spine.read() as connection:
            found = self._unnamed(connection)
        return ClearedValues(len(found), sum(found.values()))

    def clear(self, *, patience: timedelta) -> ClearedValues:
        """Remove what nothing names; safe beside runs."""
        now = self._spine.clock.now()
        with self._spine.write() as tx:
            found = self._unnamed(tx)
            rows = [{"digest": digest, "time": now} for digest in found]
            tx.execute(delete(pipeline_condemned))  # what somebody began and did not finish
            if rows:
                tx.execute(self._spine.database.insert(pipeline_condemned).on_conflict_do_nothing(), rows)
        waiting = self._wait(patience) if found else ()
        if waiting:
            return ClearedValues(0, 0, waiting)
        values = size_bytes = 0
        for some in _batches(list(found), _AT_ONCE):
            gone = self._remove(some, found)
            values, size_bytes = values + len(gone), size_bytes + sum(found[one] for one in gone)
        return ClearedValues(values, size_bytes)

    def _remove(self, digests: Sequence[str], sizes: dict[str, int]) -> list[str]:
        """Remove some results, with nobody writing beside."""
        with self._spine.write() as tx:
            named = self._named(tx)
            condemned = select(pipeline_condemned.c.digest).where(pipeline_condemned.c.digest.in_(digests))
            gone = [one for one in tx.execute(condemned).scalars() if one not in named and one in sizes]
            for digest in gone:
                self._objects.delete(value_key(digest))
            tx.execute(delete(pipeline_value).where(pipeline_value.c.digest.in_(gone)))
            tx.execute(delete(pipeline_condemned).where(pipeline_condemned.c.digest.in_(digests)))
        return gone

    def _unnamed(self, connection: Connection) -> dict[str, int]:
        """What is kept and not named: digest to size."""
        named = self._named(connection)
        rows = connection.execute(select(pipeline_value.c.digest, pipeline_value.c.size_bytes))
        found = {row.digest: row.size_bytes for row in rows}
        for info in self._objects.list(PREFIX):
            found.setdefault(info.key.rpartition("/")[2], info.size_bytes)
        return {digest: size for digest, size in found.items() if digest not in named}

    def _named(self, connection: Connection) -> set[str]:
        steps = select(pipeline_step.c.value).where(pipeline_step.c.value.is_not(None))
        runs = select(pipeline_run.c.value).where(pipeline_run.c.value.is_not(None))
        if self._since is not None:
            recent = (pipeline_run.c.requested >= self._since) | pipeline_run.c.state.in_((QUEUED, RUNNING))
            steps = steps.where(pipeline_step.c.run.in_(select(pipeline_run.c.id).where(recent)))
            runs = runs.where(recent)
        found = set(connection.execute(steps.distinct()).scalars())
        found.update(connection.execute(runs.distinct()).scalars())
        found.update(connection.execute(select(pipeline_cache.c.value).distinct()).scalars())
        for pins in connection.execute(select(pipeline_run.c.pins)).scalars():
            found.update(pin.digest for pin in pins_from_json(pins).values() if pin.kept)
        return found | self.parts_of(connection, found)

    def parts_of(self, connection: Connection, whole: Collection[str]) -> set[str]:
        """The parts of what is kept in parts, and theirs."""
        held = select(pipeline_value.c.digest, pipeline_value.c.data).where(pipeline_value.c.kind == encoding.PARTS)
        containers = {row.digest: row.data for row in connection.execute(held)}
        found: set[str] = set()
        new = {digest for digest in whole if digest in containers}
        while new:
            members = {one for digest in new for one in self._members(digest, containers[digest])} - found
            found |= members
            new = {digest for digest in members if digest in containers}
        return found

    def _members(self, digest: str, data: bytes | None) -> list[str]:
        try:
            return encoding.members(self._objects.get(value_key(digest)) if data is None else data)[2]
        except NotFound:  # nobody can read it, so it names nothing
            return []

    def _wait(self, patience: timedelta) -> tuple[str, ...]:
        """Wait for the runs that are at work now; the ids of those that have not ended in time."""
        until = time.monotonic() + patience.total_seconds()
        working = self._records.at_work()
        while working and time.monotonic() < until:
            time.sleep(_POLL_S)
            working &= self._records.at_work()
        return tuple(sorted(working))


def _batches(values: Sequence[str], size: int = _BATCH) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
