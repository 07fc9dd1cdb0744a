"""Alerts: a figure beyond its bound for long enough, told once when it begins and once when it is over."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring.conditions import BEGAN, ENDED, OK, Condition, Conditions, step
from stackcanvas.monitoring.deliveries import Deliveries
from stackcanvas.monitoring.figures import Figures
from stackcanvas.monitoring.incidents import FIX, Incidents
from stackcanvas.monitoring.policy import Policy, Rule
from stackcanvas.monitoring.sources import Live
from stackcanvas.monitoring.tables import monitor_alert
from stackcanvas.plain import instant_text

_PREFIX = "alert:"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fired.

    Attributes:
        endpoint: where.
        rule: the name of the rule.
        severity: info, warning or critical.
        metric: the figure.
        bound: what it was not to pass, as people read it.
        value: of the figure when it fired.
        fired: when.
        resolved: when it was over, None while it is not.
    """

    id: str
    endpoint: str
    rule: str
    severity: str
    metric: str
    bound: str
    value: float
    fired: datetime
    resolved: datetime | None


class Alerts:
    """Watches the rules of endpoints.

    Args:
        spine: where alerts are recorded.
        figures: computes what rules name.
        conditions: what holds now.
        deliveries: sends messages.
        incidents: critical alerts open them.
    """

    def __init__(
        self,
        spine: Spine,
        *,
        figures: Figures,
        conditions: Conditions,
        deliveries: Deliveries,
        incidents: Incidents,
    ) -> None:
        self._spine = spine
        self._figures = figures
        self._conditions = conditions
        self._deliveries = deliveries
        self._incidents = incidents

    def watch(self, live: Live, policy: Policy, *, now: datetime) -> list[str]:
        """Look at every rule of an endpoint; gives the events that it led to."""
        rules = {_PREFIX + rule.name: rule for rule in policy.rules}
        before = {one.name: one for one in self._conditions.ls(live.endpoint) if one.name.startswith(_PREFIX)}
        names = {rule.metric for rule in policy.rules}
        values = self._figures.of(live, policy, names=names, now=now) if names else {}
        happened: list[str] = []
        for name, rule in rules.items():
            value = values.get(rule.metric)
            if value is not None and not math.isnan(value):
                happened += self._look(live.endpoint, name, rule, value, now=now)
        for name, condition in before.items():
            if name not in rules and condition.firing:
                happened += self._forget(condition, now=now)
        return happened

    def ls(self, endpoint: str | None = None, *, firing_only: bool = False, limit: int = 100) -> list[Alert]:
        """Alerts, the newest first."""
        alert = monitor_alert.c
        chosen = select(monitor_alert).order_by(alert.fired.desc(), alert.id.desc()).limit(limit)
        if endpoint is not None:
            chosen = chosen.where(alert.endpoint == endpoint)
        if firing_only:
            chosen = chosen.where(alert.resolved.is_(None))
        with self._spine.read() as connection:
            return [_alert(row) for row in connection.execute(chosen)]

    def _look(self, endpoint: str, name: str, rule: Rule, value: float, *, now: datetime) -> list[str]:
        def stepped(before: Condition) -> tuple[Condition, str | None]:
            new, lasting = self._spine.ids.new(), rule.lasting
            return step(before, holds=rule.breached(value), now=now, lasting=lasting, calm=lasting, episode=new)

        with self._spine.read() as connection:
            before = self._conditions.get(connection, endpoint, name, now=now)
        if stepped(before) == (before, None):
            return []  # as at most looks: nothing to write
        with self._spine.write() as tx:
            before = self._conditions.get(tx, endpoint, name, now=now)
            after, happened = stepped(before)
            self._conditions.put(tx, replace(after, value=value), now=now)
            if happened == BEGAN:
                assert after.episode is not None
                self._fire(tx, endpoint, rule, value, episode=after.episode, now=now)
                return ["alert.fired"]
            if happened == ENDED:
                assert before.episode is not None
                self._resolve(tx, before.episode, f"{rule.metric} is {value:.4g}", rule.channels, now=now)
                return ["alert.resolved"]
        return []

    def _fire(self, tx: Connection, endpoint: str, rule: Rule, value: float, *, episode: str, now: datetime) -> None:
        alert = Alert(
            id=episode,
            endpoint=endpoint,
            rule=rule.name,
            severity=rule.severity,
            metric=rule.metric,
            bound=rule.bound,
            value=value,
            fired=now,
            resolved=None,
        )
        tx.execute(monitor_alert.insert().values({name: getattr(alert, name) for name in _FIELDS}))
        text = f"{endpoint}: {rule.name}: {rule.metric} is {value:.4g}, {rule.bound}"
        self._tell(tx, "alert.fired", alert, text, rule.channels, now=now)
        if rule.severity == "critical":
            self._incidents.begin(tx, endpoint, text, opened_by=_PREFIX + rule.name, incident_id=episode)

    def _resolve(self, tx: Connection, episode: str, why: str, channels: tuple[str, ...], *, now: datetime) -> None:
        ended = update(monitor_alert).where(monitor_alert.c.id == episode).values(resolved=now)
        alert = _alert(tx.execute(ended.returning(*monitor_alert.c)).one())
        self._tell(tx, "alert.resolved", alert, f"{alert.endpoint}: {alert.rule} is over: {why}", channels, now=now)
        self._incidents.end(tx, episode, by=FIX, note=why)

    def _forget(self, condition: Condition, *, now: datetime) -> list[str]:
        """End the episode of a rule that the policy no longer has."""
        with self._spine.write() as tx:
            condition = self._conditions.get(tx, condition.endpoint, condition.name, now=now)
            if not condition.firing or condition.episode is None:
                return []  # another worker has ended it
            self._conditions.put(tx, Condition(condition.endpoint, condition.name, OK, now), now=now)
            self._resolve(tx, condition.episode, "the rule is gone", (), now=now)
        return ["alert.resolved"]

    def _tell(
        self, tx: Connection, name: str, alert: Alert, text: str, channels: tuple[str, ...], *, now: datetime
    ) -> None:
        subject = Ref("deployment", alert.endpoint)
        facts = {key: getattr(alert, key) for key in ("rule", "severity", "metric", "bound", "value")}
        data = {"alert": alert.id, **facts, "text": text}
        sequence = self._spine.events.emit(tx, name, subject, data)
        # CloudEvents 1.0, structured.
        message = {
            "specversion": "1.0",
            "id": str(sequence),
            "type": name,
            "source": "stackcanvas",
            "subject": str(subject),
            "time": instant_text(now),
            "datacontenttype": "application/json",
            "data": data,
        }
        self._deliveries.queue(tx, alert.id, channels, message, now=now)


_FIELDS = tuple(Alert.__dataclass_fields__)


def _alert(row: Any) -> Alert:
    return Alert(**{name: getattr(row, name) for name in _FIELDS})
