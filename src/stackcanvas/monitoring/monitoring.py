"""Monitoring: what the traffic and the labels say of the models that are live, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from stackcanvas.errors import NotFound, StackCanvasError
from stackcanvas.metadata import Ref, Spine
from stackcanvas.monitoring.alerts import Alert, Alerts
from stackcanvas.monitoring.conditions import Condition, Conditions
from stackcanvas.monitoring.deliveries import Deliveries, Delivery
from stackcanvas.monitoring.drifting import DriftFound, Drifts
from stackcanvas.monitoring.episodes import DRIFT, Episodes
from stackcanvas.monitoring.figures import FIGURES, Figures
from stackcanvas.monitoring.incidents import Incidents
from stackcanvas.monitoring.labels import PERFORMANCE, Labels, Learned
from stackcanvas.monitoring.performance import Measured, Performances
from stackcanvas.monitoring.policy import Policy
from stackcanvas.monitoring.sources import Live, Predictions, Registered
from stackcanvas.monitoring.windows import Window, Windows, due
from stackcanvas.statistics import DriftReport

_LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a tick saw at one endpoint.

    Attributes:
        endpoint: where.
        drift: of the window that was due, None when none was.
        measured: metrics of the windows that were due or had got labels.
        happened: names of the events that it led to.
    """

    endpoint: str
    drift: DriftReport | None = None
    measured: tuple[Measured, ...] = ()
    happened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look found before it is written."""

    drift: tuple[Window, DriftReport | None] | None = None
    windows: tuple[Window, ...] = ()
    measured: tuple[Measured, ...] = ()


class Monitoring:
    """Watches the endpoints of a stack.

    Args:
        spine: where everything is recorded.
        predictions: the prediction log.
        live: what answers at each endpoint now.
        registered: what is known of a model version from its registration.
        policy: what is watched at an endpoint.
        channels: address by name of a channel, secrets included.
        learned: told, inside the transaction, of which instants predictions of an endpoint have got their outcome.
    """

    def __init__(
        self,
        spine: Spine,
        predictions: Predictions,
        *,
        live: Callable[[], Iterable[Live]],
        registered: Callable[[Ref], Registered],
        policy: Callable[[str], Policy],
        channels: Mapping[str, str] | None = None,
        learned: Learned = lambda *_: None,
    ) -> None:
        self._spine = spine
        self._live = live
        self._policy = policy
        self._conditions = Conditions(spine.database)
        self._episodes = Episodes(spine, self._conditions, registered)
        self._windows = Windows(spine.database)
        self._drifts = Drifts(spine, predictions, registered)
        self.labels = Labels(spine, predictions, policy, learned=learned)
        self._performances = Performances(spine, self.labels)
        self.incidents = Incidents(spine)
        self._deliveries = Deliveries(spine.database, channels or {})
        self._alerts = Alerts(
            spine,
            figures=Figures(predictions, drifts=self._drifts, performances=self._performances, labels=self.labels),
            conditions=self._conditions,
            deliveries=self._deliveries,
            incidents=self.incidents,
        )

    def tick(self, now: datetime) -> list[Look]:
        """Look at every endpoint: labels that waited, windows that are due, alerts; send what waits to be sent.

        Several workers may call it at once: an endpoint is looked at by one of them. A killed one leaves no window
        half written; the next tick takes it up. What goes wrong at one endpoint is raised after the others.
        """
        self.incidents.follow()
        self.labels.retry(now)
        looks: list[Look] = []
        failed: StackCanvasError | None = None
        for live in sorted(self._live(), key=lambda one: one.endpoint):
            try:
                look = self._look(live, self._policy(live.endpoint), now)
            except StackCanvasError as error:
                failed = failed or error
            else:
                looks += [look] if look else []
        self._deliveries.deliver(now)
        if failed is not None:
            raise failed
        return looks

    def drift(self, endpoint: str) -> DriftFound:
        """The drift of the last window that was looked at.

        Raises:
            NotFound: none was yet.
        """
        found = self.drift_history(endpoint, limit=1)
        if not found:
            raise NotFound("drift report", endpoint, fix="There is one once a window of traffic is over")
        return found[0]

    def drift_history(self, endpoint: str, *, limit: int = 100) -> list[DriftFound]:
        """The drift of each window, the newest first."""
        return self._drifts.history(endpoint, limit=limit) or self._nothing(endpoint)

    def performance(
        self, endpoint: str, *, metric: str | None = None, model: Ref | None = None, limit: int = 1000
    ) -> list[Measured]:
        """The metrics of each version over each window, the newest first."""
        found = self._performances.history(endpoint, metric=metric, model=model, limit=limit)
        return found or self._nothing(endpoint)

    def conditions(self, endpoint: str) -> list[Condition]:
        """What holds at an endpoint: `drift`, `decay`, and `alert:NAME` for each rule."""
        return self._conditions.ls(endpoint) or self._nothing(endpoint)

    def alerts(self, endpoint: str | None = None, *, firing_only: bool = False, limit: int = 100) -> list[Alert]:
        """Alerts that fired, the newest first."""
        return self._alerts.ls(endpoint, firing_only=firing_only, limit=limit)

    def deliveries(self, alert: str) -> list[Delivery]:
        """What became of the messages of an alert."""
        return self._deliveries.of(alert)

    def unknown_figures(self, endpoint: str) -> list[str]:
        """Figures that alert rules of an endpoint name and that nothing computes: those rules never fire."""
        return sorted({rule.metric for rule in self._policy(endpoint).rules} - set(FIGURES))

    def _nothing(self, endpoint: str) -> list[Any]:
        """Nothing is known of an endpoint, which must at least exist.

        Raises:
            NotFound: nothing is deployed there.
        """
        known = [live.endpoint for live in self._live()]
        if endpoint not in known:
            raise NotFound("endpoint", endpoint, known=known)
        return []

    def _look(self, live: Live, policy: Policy, now: datetime) -> Look | None:
        """Look at an endpoint; None when nothing was due there, as at most ticks between two windows."""
        look = self._measure(live, policy, now)
        happened = self._alerts.watch(live, policy, now=now)
        if not happened:
            return look
        return replace(look or Look(live.endpoint), happened=(*(look.happened if look else ()), *happened))

    def _measure(self, live: Live, policy: Policy, now: datetime) -> Look | None:
        """Measure the windows that are due, unless another worker does."""
        if not self._is_due(live.endpoint, policy, now):
            return None
        holder = self._spine.ids.new()
        with self._spine.leases.hold(f"monitor:{live.endpoint}", holder, ttl_s=_LEASE_S) as lease:
            if lease is None:
                return None
            seen = _Seen(drift=self._due_drift(live, policy, now))
            windows = self._due_performance(live.endpoint, policy, now)
            if windows:
                measured = self._performances.measure(live.endpoint, windows, policy.measured, now=now)
                seen = replace(seen, windows=tuple(windows), measured=tuple(measured))
            if seen.drift is None and not seen.windows:
                return None  # another worker did it meanwhile
            happened = self._write(live, policy, seen, now)
            return Look(live.endpoint, seen.drift[1] if seen.drift else None, seen.measured, tuple(happened))

    def _is_due(self, endpoint: str, policy: Policy, now: datetime) -> bool:
        drift = policy.skew is not None and self._due_window(endpoint, DRIFT, policy.skew.window, policy, now)
        return bool(drift or self._due_performance(endpoint, policy, now))

    def _due_window(self, endpoint: str, kind: str, length: timedelta, policy: Policy, now: datetime) -> Window | None:
        window = due(now, length=length, every=policy.every)
        last = self._windows.last(endpoint, kind)
        return window if last is None or window.end > last else None

    def _due_drift(self, live: Live, policy: Policy, now: datetime) -> tuple[Window, DriftReport | None] | None:
        if policy.skew is None:
            return None
        window = self._due_window(live.endpoint, DRIFT, policy.skew.window, policy, now)
        if window is None:
            return None
        return window, self._drifts.measure(live.endpoint, live.model, window, policy.skew)

    def _due_performance(self, endpoint: str, policy: Policy, now: datetime) -> list[Window]:
        """The window that is due with those that got labels; late labels alone wait until one is due."""
        if not policy.measured:
            return []
        window = self._due_window(endpoint, PERFORMANCE, policy.performance_window, policy, now)
        return [] if window is None else [*self._windows.stale(endpoint, PERFORMANCE), window]

    def _write(self, live: Live, policy: Policy, seen: _Seen, now: datetime) -> list[str]:
        """Everything that a look found, in one transaction."""
        endpoint, happened = live.endpoint, list[str]()
        with self._spine.record("monitoring.look", subject=Ref("deployment", endpoint), trigger="schedule") as work:
            work.used(live.model)
            with self._spine.write() as tx:
                if seen.drift is not None:
                    window, report = seen.drift
                    self._windows.mark(tx, endpoint, DRIFT, window, now=now)
                    if report is not None and policy.skew is not None:
                        self._drifts.write(tx, endpoint, live.model, window, report, now=now)
                        happened += self._episodes.judge_drift(tx, live, policy, report, window=window, now=now)
                for window in seen.windows:
                    self._windows.mark(tx, endpoint, PERFORMANCE, window, now=now)
                self._performances.write(tx, endpoint, seen.windows, seen.measured)
                happened += self._episodes.judge_decay(tx, live, policy, seen.measured, now=now)
                work.finish(tx)
        return happened
