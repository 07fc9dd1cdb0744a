"""Episodes of drift and decay: an event when one begins and one when it is over, however often one looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring.conditions import BEGAN, ENDED, OK, Condition, Conditions, step
from stackcanvas.monitoring.performance import Measured
from stackcanvas.monitoring.policy import Policy
from stackcanvas.monitoring.sources import Live, Registered
from stackcanvas.monitoring.windows import Window
from stackcanvas.plain import instant_text
from stackcanvas.statistics import DriftReport

DRIFT, DECAY = "drift", "decay"
_NAMED = 10


@dataclass(frozen=True, slots=True)
class _Verdict:
    name: str
    holds: bool
    value: float
    lasting: timedelta
    payload: Mapping[str, object]


class Episodes:
    """Judges what was measured and emits `drift.found`, `decay.found`, and their ends.

    Args:
        spine: where events go.
        conditions: what holds now.
        registered: what is known of a model version.
    """

    def __init__(self, spine: Spine, conditions: Conditions, registered: Callable[[Ref], Registered]) -> None:
        self._spine = spine
        self._conditions = conditions
        self._registered = registered

    def judge_drift(
        self, tx: Connection, live: Live, policy: Policy, report: DriftReport, *, window: Window, now: datetime
    ) -> list[str]:
        """What the drift of a window leads to; gives the names of the events."""
        if not report.judged or policy.skew is None:
            return []
        columns = {name: round(report.columns[name].distance, 4) for name in report.drifted_columns[:_NAMED]}
        payload = {
            "model": str(live.model),
            "share": report.share,
            "columns": columns,
            "rows": report.rows_after,
            "start": instant_text(window.start),
            "end": instant_text(window.end),
        }
        verdict = _Verdict(DRIFT, report.drifted, report.share, policy.skew.lasting, payload)
        return self._judge(tx, live, policy, verdict, now=now)

    def judge_decay(
        self, tx: Connection, live: Live, policy: Policy, measured: Iterable[Measured], *, now: datetime
    ) -> list[str]:
        """What the last window with enough labels of the live version leads to; gives the names of the events."""
        decay = policy.decay
        if decay is None:
            return []
        known = [
            one
            for one in measured
            if one.metric == decay.metric
            and one.model == live.model
            and one.labels >= decay.min_labels
            and not math.isnan(one.value)
        ]
        if not known:
            return []
        last = max(known, key=lambda one: one.end)
        low, high = decay.bound(self._registered(live.model).metrics)
        payload = {
            "model": str(live.model),
            "metric": decay.metric,
            "value": last.value,
            "at_least": low,
            "at_most": high,
            "labels": last.labels,
            "start": instant_text(last.start),
            "end": instant_text(last.end),
        }
        holds = (low is not None and last.value < low) or (high is not None and last.value > high)
        return self._judge(tx, live, policy, _Verdict(DECAY, holds, last.value, decay.lasting, payload), now=now)

    def _judge(self, tx: Connection, live: Live, policy: Policy, verdict: _Verdict, *, now: datetime) -> list[str]:
        before = self._conditions.get(tx, live.endpoint, verdict.name, now=now)
        if before.about not in {None, str(live.model)}:
            # Another version is live: what was true of the one before says nothing of it.
            before = Condition(live.endpoint, verdict.name, OK, now)
        after, happened = step(
            before,
            holds=verdict.holds,
            now=now,
            lasting=verdict.lasting,
            calm=policy.every,  # two looks in a row must be good before it counts as over
            episode=self._spine.ids.new(),
        )
        self._conditions.put(tx, replace(after, value=verdict.value, about=str(live.model)), now=now)
        if happened not in {BEGAN, ENDED}:
            return []
        name = f"{verdict.name}.found" if happened == BEGAN else f"{verdict.name}.ended"
        payload = {"episode": after.episode or before.episode, **verdict.payload}
        self._spine.events.emit(tx, name, Ref("deployment", live.endpoint), payload)
        return [name]
