"""Retention: what is older than the canvas lets it be kept goes, unless something newer needs it.

Nothing goes at once: first what is old enough and not needed is told, then it is removed, a few records in each
transaction, so that nobody waits long to write and a kill leaves less to do for the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from stackcanvas.data.forget import give_up
from stackcanvas.errors import NotFound
from stackcanvas.experiments import removing as runs
from stackcanvas.pipelines import removing as steps
from stackcanvas.stack import heads
from stackcanvas.stack.keeping.needs import free_versions, needed_runs

if TYPE_CHECKING:
    from stackcanvas.canvas.blocks.metadata import Governance, Retention
    from stackcanvas.stack.stack import Stack

LOG = "serving.log.keep"
RUNS, CACHE, DATA, PREDICTIONS, AUDIT = "runs", "results of steps", "data versions", "days of predictions", "audit log"
_BATCH = 200
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one kind of thing is kept.

    Args:
        what: the kind.
        keep: how long; None for good.
        question: the answer of the canvas that says so.
    """

    what: str
    keep: timedelta | None
    question: str


@dataclass(frozen=True, slots=True)
class Going:
    """What of one kind is old enough to go.

    Args:
        what: the kind, with the endpoint for predictions.
        keep: how long it is kept.
        before: what is older than this goes.
        count: how many go.
        needed: how many are old enough, but something needs them.
        named: the first of those that go.
    """

    what: str
    keep: timedelta
    before: datetime
    count: int
    needed: int = 0
    named: tuple[str, ...] = ()


def rules(stack: Stack) -> list[Rule]:
    """How long everything is kept, by the canvas."""
    said = _said(stack)
    place = "metadata.governance.retention"
    found = [
        Rule(RUNS, said.runs if said else None, f"{place}.runs"),
        Rule("deleted runs", said.deleted if said else None, f"{place}.deleted"),
        Rule(CACHE, said.cache if said else None, f"{place}.cache"),
        Rule(DATA, said.data if said else None, f"{place}.data"),
        Rule(AUDIT, said.audit if said else None, f"{place}.audit"),
    ]
    logged = stack.serving.log.endpoints()
    return found + [Rule(f"predictions of {endpoint}", log_keep(stack, endpoint), LOG) for endpoint in logged]


def is_asked(stack: Stack) -> bool:
    """Whether the canvas limits how long records are kept, the prediction log apart."""
    said = _said(stack)
    return said is not None and any(keep is not None for _, keep in said)


def log_keep(stack: Stack, endpoint: str) -> timedelta | None:
    """How long the predictions of an endpoint are kept; None for good."""
    try:
        model: str | None = stack.deployment.status(endpoint).live.name
    except NotFound:  # nothing answers there any more
        model = endpoint
    log = stack.answers(model).get("serving.log")
    keep: timedelta | None = None if log is None else log.keep
    return keep


def plan(stack: Stack, now: datetime) -> list[Going]:
    """What would go."""
    return [one for look in (_data, _runs, _cache, _predictions, _audit) for one in look(stack, now, act=False)]


def enforce(stack: Stack, now: datetime) -> list[Going]:
    """Remove what is to go, data first: what made them need not be kept for them any longer."""
    return [one for act in (_data, _runs, _cache, _audit) for one in act(stack, now, act=True)]


def enforce_here(stack: Stack, now: datetime) -> list[Going]:
    """Remove the days of this machine's prediction log that are to go."""
    return _predictions(stack, now, act=True)


def _said(stack: Stack) -> Retention | None:
    governance: Governance | None = stack.answers().get("metadata.governance")
    return None if governance is None else governance.retention


def _before(keep: timedelta | None, now: datetime) -> datetime | None:
    return None if keep is None else now - keep


def _data(stack: Stack, now: datetime, *, act: bool) -> list[Going]:
    said = _said(stack)
    if said is None or said.data is None:
        return []
    before = now - said.data
    every = stack.data.parts.versions.every()
    old = [one for one in every if one.created < before and one.forgotten is None]
    free = free_versions(stack, old)
    if act:
        give_up(stack.data.parts, free)
    named = tuple(str(one.ref) for one in free[:_SHOWN])
    return [Going(DATA, said.data, before, len(free), len(old) - len(free), named)]


def _runs(stack: Stack, now: datetime, *, act: bool) -> list[Going]:
    said = _said(stack)
    if said is None or (said.runs is None and said.deleted is None):
        return []
    with stack.spine.read() as connection:
        old = runs.old_runs(connection, ended=_before(said.runs, now), deleted=_before(said.deleted, now))
        ids = dict.fromkeys(one.id for one in old)
        if said.runs is not None:
            ids |= dict.fromkeys(steps.old_runs(connection, ended=now - said.runs))
    needed = needed_runs(stack)
    free = [one for one in ids if one not in needed]
    if act:
        for start in range(0, len(free), _BATCH):
            _remove(stack, free[start : start + _BATCH])
    names = {one.id: one.name for one in old}
    named = tuple(f"{one[:12]} {names.get(one, '')}".strip() for one in free[:_SHOWN])
    shortest = min(keep for keep in (said.runs, said.deleted) if keep is not None)
    return [Going(RUNS, said.runs or shortest, now - (said.runs or shortest), len(free), len(ids) - len(free), named)]


def _remove(stack: Stack, ids: Sequence[str]) -> None:
    with stack.spine.write() as tx:
        # Somebody may have registered what a run made since it was looked at.
        needed = needed_runs(stack)
        free = [one for one in ids if one not in needed]
        steps.remove_runs(tx, free)
        runs.remove_runs(tx, free)


def _cache(stack: Stack, now: datetime, *, act: bool) -> list[Going]:
    keep = cache_keep(stack)
    if keep is None:
        return []
    with stack.spine.read() as connection:
        keys = steps.old_keys(connection, used=now - keep)
    if act:
        for start in range(0, len(keys), _BATCH):
            with stack.spine.write() as tx:
                again = set(steps.old_keys(tx, used=now - keep))
                steps.remove_keys(tx, [key for key in keys[start : start + _BATCH] if key in again])
    return [Going(CACHE, keep, now - keep, len(keys))]


def cache_keep(stack: Stack) -> timedelta | None:
    """How long results of steps are kept after their last use: as long as runs, where nothing else is said."""
    said = _said(stack)
    return None if said is None else said.cache or said.runs


def _predictions(stack: Stack, now: datetime, *, act: bool) -> list[Going]:
    keeps = {endpoint: log_keep(stack, endpoint) for endpoint in stack.serving.log.endpoints()}
    log = stack.serving.log
    for endpoint in [one.endpoint for one in log.old_days(keeps.get, now=now)] if act else []:
        stack.value.settle(endpoint)  # what is to be counted is counted before it goes
    old = log.remove_old_days(keeps.get, now=now) if act else log.old_days(keeps.get, now=now)
    return [
        Going(
            f"{PREDICTIONS} of {one.endpoint}",
            one.keep,
            now - one.keep,
            len(one.days),
            named=tuple(day.isoformat() for day in one.days[:_SHOWN]),
        )
        for one in old
    ]


def _audit(stack: Stack, now: datetime, *, act: bool) -> list[Going]:
    said = _said(stack)
    if said is None or said.audit is None:
        return []
    before = now - said.audit
    last, first = stack.spine.audit.last_before(before), stack.spine.audit.first()
    # Only up to a head that lies outside: what stays is verified from there.
    through = max((head for head in heads.published(stack.objects) if first <= head[0] <= last), default=None)
    if act and through is not None:
        with stack.spine.write() as tx:
            stack.spine.audit.cut(tx, *through)
    gone = 0 if through is None else through[0] - first + 1
    return [Going(AUDIT, said.audit, before, gone, max(0, last - first + 1) - gone)]


def record_of(found: Sequence[Going]) -> dict[str, object]:
    """The counts, as the audit log keeps them."""
    return {one.what: one.count for one in found if one.count}
