"""One model version behind an endpoint: checks, model, fallback, log and metrics of a batch, in this order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stackcanvas.errors import BadInput, Corrupt
from stackcanvas.serving.server.batch import Batcher, Item
from stackcanvas.serving.server.bundle import ISOLATED, Bundle
from stackcanvas.serving.server.checks import Failure, InputChecks, Mask, OutputChecks
from stackcanvas.serving.server.documents import VariantSpec
from stackcanvas.serving.server.errors import ModelFailed
from stackcanvas.serving.server.fallback import Fallback
from stackcanvas.serving.server.log import PredictionLog
from stackcanvas.serving.server.logplan import Entry, LogPlan
from stackcanvas.serving.server.lookup import Lookup
from stackcanvas.serving.server.metrics import Metrics
from stackcanvas.serving.server.signature import Array, Rows


@dataclass(slots=True)
class _Outcome:
    """What became of the rows of a batch; the lists stay empty while nothing is wrong."""

    outputs: list[Array] | None
    fallback: Mask | None = None
    reasons: list[str | None] = field(default_factory=list)
    warned: list[str | None] = field(default_factory=list)
    noted: list[Failure] = field(default_factory=list)
    error: ModelFailed | None = None


class Variant:
    """Answers batches for one model version.

    Args:
        endpoint: it stands behind.
        spec: its entry in the route.
        bundle: its model.
        fallback: answers for rows that fail.
        plan: of the endpoint's log.
        alone: whether no other request is under way.
        shadow: its answers are logged and never given.
        lookup: completes records from the online store.

    Raises:
        Corrupt: its checks do not fit its signature, or call for a fallback that is not there.
    """

    def __init__(
        self,
        endpoint: str,
        spec: VariantSpec,
        bundle: Bundle,
        *,
        fallback: Fallback | None,
        plan: LogPlan,
        log: PredictionLog,
        metrics: Metrics,
        pool: Executor,
        alone: Callable[[], bool],
        where: str,
        shadow: bool = False,
        lookup: Lookup | None = None,
    ) -> None:
        calling = [one.column for one in bundle.spec.checks if one.action == "fallback"]
        if fallback is None and any(column in bundle.signature.columns for column in calling):
            raise Corrupt(f"a check of {calling[0]!r} calls for a fallback, and the endpoint has none", where=where)
        self.name = spec.name
        self.model = spec.model or bundle.spec.model
        self.version = self.model.rpartition("@")[2] if "@" in self.model else spec.name
        self.signature = bundle.signature
        self.bundle = bundle
        self.lookup = lookup
        self._endpoint = endpoint
        self._labels = (endpoint, spec.name)
        self._fallback = fallback
        self._plan = plan
        self._log = log
        self._metrics = metrics
        self._shadow = shadow
        self._inputs = InputChecks(bundle.signature, bundle.spec.checks, where=where)
        self._outputs = OutputChecks(bundle.signature, bundle.spec.checks, where=where)
        # The event loop must never wait for another process.
        most = {"inline_rows": 0} if bundle.spec.format in ISOLATED else {}
        self._batcher = Batcher(self.answer, pool=pool, alone=alone, **most)

    def submit(self, item: Item) -> asyncio.Future[None] | None:
        """Have one request answered with those that wait beside it; None when it has been already."""
        return self._batcher.submit(item)

    def answer(self, items: Sequence[Item]) -> None:
        """Fill in the outputs, or the error, of every item."""
        rows = _stack(items)
        failures = _with_absent(items, self._inputs.failures(rows))
        if failures:
            items, rows, failures = self._refuse(items, rows, failures)
            if not items:
                return
        outcome = self._outcome(rows, failures)
        if outcome.error is not None and len(items) > 1:
            for item in items:  # which request upsets the model is found by running each by itself
                self.answer([item])
            return
        self._finish(items, rows, outcome)

    def _refuse(
        self, items: Sequence[Item], rows: Rows, failures: list[Failure]
    ) -> tuple[list[Item], Rows, list[Failure]]:
        """Take out the requests that a check rejects, and the checks with them."""
        kept, masks, start = [], [], 0
        rejecting = [failure for failure in failures if failure.action == "reject"]
        for item in items:
            part = slice(start, start + item.count)
            start += item.count
            broken = next((failure for failure in rejecting if failure.rows[part].any()), None)
            if broken is None:
                kept.append(item)
            else:
                at = int(np.flatnonzero(broken.rows[part])[0])
                item.error = BadInput(f"{broken.column!r} {broken.what}", where=f"row {at}" if item.count > 1 else None)
                self._metrics.checks.add((self._endpoint, broken.column, "reject"), int(broken.rows[part].sum()))
            masks.append(np.full(item.count, broken is None))
        mask = np.concatenate(masks)
        rest = [Failure(one.column, one.what, one.action, one.rows[mask]) for one in failures if one.rows[mask].any()]
        return kept, [matrix[mask] for matrix in rows], rest

    def _outcome(self, rows: Rows, failures: list[Failure]) -> _Outcome:
        count = len(rows[0])
        outcome = _Outcome(None)
        for failure in failures:
            _note(outcome, failure, count)
        good = None if outcome.fallback is None else ~outcome.fallback
        if good is not None and not good.any():
            return self._filled(rows, outcome)
        try:
            outputs = self.bundle.run(rows if good is None else [matrix[good] for matrix in rows])
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            self._metrics.failures.add(self._labels)
            raised = f"the model raised {type(error).__name__}: {str(error).strip()[:300]}"
            whole = Failure("", raised, "fallback", np.ones(count, dtype=np.bool_))
            return self._without_model(rows, outcome, whole)
        if good is not None:
            outputs = [_scatter(values, good) for values in outputs]
        outcome.outputs = outputs
        bad = self._outputs.failures(outputs)
        for failure in bad:
            if good is not None:
                failure.rows[~good] = False
            if failure.rows.any():
                _note(outcome, failure, count)
        if outcome.fallback is None:
            return outcome
        if self._fallback is None:
            first = next(failure for failure in bad if failure.action == "fallback")
            outcome.error = ModelFailed(f"the model's {first.column!r} {first.what}")
            return outcome
        return self._filled(rows, outcome)

    def _without_model(self, rows: Rows, outcome: _Outcome, failure: Failure) -> _Outcome:
        if self._fallback is None:
            outcome.error = ModelFailed(failure.what)
            return outcome
        _note(outcome, failure, len(rows[0]))
        return self._filled(rows, outcome)

    def _filled(self, rows: Rows, outcome: _Outcome) -> _Outcome:
        """Put the fallback's answers into the rows that call for them."""
        assert self._fallback is not None
        assert outcome.fallback is not None
        mask = outcome.fallback
        try:
            answers = self._fallback([matrix[mask] for matrix in rows], int(mask.sum()))
        except Exception as error:  # noqa: BLE001 - the fallback may be a model too
            outcome.error = ModelFailed(f"the fallback raised {type(error).__name__}: {str(error).strip()[:300]}")
            return outcome
        if outcome.outputs is None:
            outcome.outputs = answers
            return outcome
        for values, replacement in zip(outcome.outputs, answers, strict=True):
            values[mask] = replacement
        return outcome

    def _finish(self, items: Sequence[Item], rows: Rows, outcome: _Outcome) -> None:
        """Give each item its share, then log and count."""
        now_s = time.perf_counter()
        start = 0
        for item in items:
            part = slice(start, start + item.count)
            start += item.count
            if outcome.error is not None:
                item.error = outcome.error
                continue
            assert outcome.outputs is not None
            item.outputs = [values[part] for values in outcome.outputs] if len(items) > 1 else outcome.outputs
            if outcome.fallback is not None:
                item.fallback = outcome.fallback[part].tolist()
            if outcome.warned:
                item.warnings = outcome.warned[part]
        statuses, reasons = self._statuses(outcome, start)
        for failure in outcome.noted:
            self._metrics.checks.add((self._endpoint, failure.column, failure.action), int(failure.rows.sum()))
        self._metrics.batches.observe(start, self._labels)
        self._count(statuses, start)
        self._log.offer(
            Entry(
                plan=self._plan,
                variant=self.name,
                model=self.model,
                ids=items[0].ids if len(items) == 1 else [one for item in items for one in item.ids],
                counts=[item.count for item in items],
                request_ids=[item.request_id for item in items],
                times_us=[item.time_us for item in items],
                latencies_us=[int((now_s - item.started_s) * 1e6) for item in items],
                entities=[item.entities for item in items],
                rows=rows,
                outputs=None if outcome.error is not None else outcome.outputs,
                statuses=statuses,
                reasons=reasons,
            )
        )

    def _statuses(self, outcome: _Outcome, count: int) -> tuple[list[str] | str, list[str | None] | None]:
        if outcome.error is not None:
            return "error", [outcome.error.what] * count
        usual = "shadow" if self._shadow else "ok"
        if outcome.fallback is None and not outcome.warned:
            return usual, None
        fallback = outcome.fallback.tolist() if outcome.fallback is not None else [False] * count
        warned = outcome.warned or [None] * count
        reasons = outcome.reasons or [None] * count
        statuses = [
            "fallback" if fell else "warned" if warning and not self._shadow else usual
            for fell, warning in zip(fallback, warned, strict=True)
        ]
        return statuses, [reason or warning for reason, warning in zip(reasons, warned, strict=True)]

    def _count(self, statuses: list[str] | str, count: int) -> None:
        if isinstance(statuses, str):
            self._metrics.rows.add((*self._labels, statuses), count)
            return
        for status in set(statuses):
            self._metrics.rows.add((*self._labels, status), statuses.count(status))
        if "fallback" in statuses:
            self._metrics.fallbacks.add(self._labels, statuses.count("fallback"))


def _stack(items: Sequence[Item]) -> Rows:
    if len(items) == 1:
        return items[0].rows
    return [np.concatenate(parts) for parts in zip(*(item.rows for item in items), strict=True)]


def _with_absent(items: Sequence[Item], failures: list[Failure]) -> list[Failure]:
    """What is wrong with the rows; of those whose features were not found only that counts, their values are blanks."""
    if all(item.absent is None for item in items):
        return failures
    absent = np.concatenate(
        [np.zeros(item.count, dtype=np.bool_) if item.absent is None else item.absent for item in items]
    )
    if not absent.any():
        return failures
    rest = [Failure(one.column, one.what, one.action, one.rows & ~absent) for one in failures]
    said = Failure("", "features of its keys are not known", "fallback", absent)
    return [*(one for one in rest if one.rows.any()), said]


def _scatter(values: Array, good: Mask) -> Array:
    """The answers of the good rows in their places; the other places wait for the fallback."""
    spread: Any = np.zeros((len(good), *values.shape[1:]), dtype=values.dtype)
    spread[good] = values
    return np.asarray(spread)


def _note(outcome: _Outcome, failure: Failure, count: int) -> None:
    if failure.column:
        outcome.noted.append(failure)
    said = f"{failure.column!r} {failure.what}" if failure.column else failure.what
    if failure.action == "warn":
        outcome.warned = outcome.warned or [None] * count
        kept = outcome.warned
    else:
        outcome.fallback = failure.rows if outcome.fallback is None else outcome.fallback | failure.rows
        outcome.reasons = outcome.reasons or [None] * count
        kept = outcome.reasons
    for at in np.flatnonzero(failure.rows):
        kept[at] = f"{kept[at]}; {said}" if kept[at] else said
