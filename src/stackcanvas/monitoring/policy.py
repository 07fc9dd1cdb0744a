"""What is watched at an endpoint, and what counts as broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from stackcanvas.canvas.blocks import monitoring as canvas
from stackcanvas.errors import BadInput
from stackcanvas.statistics import METRICS, metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """When traffic has moved away from the training data.

    Attributes:
        window: the traffic that is compared.
        min_rows: with fewer rows nothing is judged.
        distance: from which a column has drifted.
        thresholds: other distances by column.
        share: of drifted columns, from which the traffic has drifted.
        columns: which are judged; all when None.
        ignored: which are not, such as those that the log keeps as hashes.
        lasting: for how long it must hold before it is found.
    """

    window: timedelta = timedelta(days=7)
    min_rows: int = 500
    distance: float = 0.05
    thresholds: Mapping[str, float] = field(default_factory=dict)
    share: float = 0.2
    columns: tuple[str, ...] | None = None
    ignored: tuple[str, ...] = ()
    lasting: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """When the live model has become worse.

    Attributes:
        metric: a name of `stackcanvas.statistics.METRICS`.
        at_least: below this it has decayed.
        at_most: above this it has decayed.
        worse_by: it has decayed when so much worse than at its registration.
        window: the predictions that are judged.
        min_labels: with fewer labels nothing is judged.
        lasting: for how long it must hold before it is found.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    worse_by: float | None = None
    window: timedelta = timedelta(days=7)
    min_labels: int = 500
    lasting: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        metric(self.metric)

    def bound(self, registered: Mapping[str, float]) -> tuple[float | None, float | None]:
        """The lowest and the highest value that is no decay, given the metrics at registration.

        Raises:
            BadInput: decay is measured from the value at registration, and there is none.

        Example:
            >>> Decay(metric="auc", worse_by=0.03).bound({"auc": 0.75})
            (0.72, None)
        """
        low, high = self.at_least, self.at_most
        if self.worse_by is not None:
            if self.metric not in registered:
                raise BadInput(
                    f"the model was registered without {self.metric!r}, from which decay is measured",
                    where="monitoring.decay",
                    expected=f"metrics with {self.metric!r} at registration, or at_least or at_most in its place",
                )
            start = registered[self.metric]
            if metric(self.metric).higher_is_better:
                low = max(start - self.worse_by, -float("inf") if low is None else low)
            else:
                high = min(start + self.worse_by, float("inf") if high is None else high)
        return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When somebody is to hear of it.

    Attributes:
        name: of the alert.
        metric: a figure: see `stackcanvas.monitoring.figures`.
        above: fires above this value.
        below: fires below this value.
        lasting: for how long it must hold before it fires, and be over before it resolves.
        severity: info, warning or critical; a critical one opens an incident.
        channels: who hears of it; every channel when empty.
    """

    name: str
    metric: str
    above: float | None = None
    below: float | None = None
    lasting: timedelta = timedelta(0)
    severity: str = "warning"
    channels: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """The bound as people read it."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"

    def breached(self, value: float) -> bool:
        """Whether a value is beyond the bound; NaN is not."""
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is watched at one endpoint.

    Attributes:
        skew: when traffic has drifted; None watches no drift.
        decay: when the model has become worse; None watches none.
        metrics: measured over the windows of `decay` when labels come.
        rules: the alerts.
        every: how often windows are measured.
        operations_window: the traffic that figures of operation are taken from.
        label_window: how long after a prediction its label may be observed.
        output: the field of the output that is judged; found by itself when None.
    """

    skew: Skew | None = field(default_factory=Skew)
    decay: Decay | None = None
    metrics: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    every: timedelta = timedelta(days=1)
    operations_window: timedelta = timedelta(minutes=15)
    label_window: timedelta = timedelta(days=90)
    output: str | None = None

    def __post_init__(self) -> None:
        for name in self.metrics:
            metric(name)
        if self.every <= timedelta(0):
            raise BadInput(f"windows are measured every {self.every}", expected="a positive time")

    @property
    def measured(self) -> tuple[str, ...]:
        """Every metric that is measured, that of decay among them."""
        decay = (self.decay.metric,) if self.decay else ()
        return tuple(dict.fromkeys((*self.metrics, *decay)))

    @property
    def performance_window(self) -> timedelta:
        """The predictions over which metrics are measured."""
        return self.decay.window if self.decay else timedelta(days=7)


def policy_of(answers: canvas.Monitoring, *, ignored: tuple[str, ...] = (), every: timedelta | None = None) -> Policy:
    """The policy that the answers of block 10 say; what they leave open has its default.

    Args:
        answers: that hold for the model of the endpoint.
        ignored: columns that cannot drift in the log, because it keeps only hashes of them.
        every: how often windows are measured; by default a seventh of the shortest window, at most a day.

    Example:
        >>> policy_of(canvas.Monitoring(ml_metrics=("auc",))).measured
        ('auc',)
    """
    skew, decay = answers.skew or canvas.Skew(), answers.decay
    windows = [skew.window, *([decay.window] if decay else [])]
    rules = answers.alerting.rules if answers.alerting else ()
    return Policy(
        skew=Skew(
            window=skew.window,
            min_rows=skew.min_rows,
            distance=skew.bound,
            share=skew.share,
            columns=skew.columns,
            ignored=ignored,
        ),
        decay=Decay(
            metric=decay.metric,
            at_least=decay.at_least,
            at_most=decay.at_most,
            worse_by=decay.worse_by,
            window=decay.window,
            min_labels=decay.min_labels,
        )
        if decay
        else None,
        # Other names are metrics of the user's own, which pipelines log and nothing can compute from labels.
        metrics=tuple(name for name in answers.ml_metrics or () if name in METRICS),
        rules=tuple(
            Rule(
                name=rule.name,
                metric=rule.metric,
                above=rule.above,
                below=rule.below,
                lasting=rule.lasting,
                severity=rule.severity,
                channels=rule.channels,
            )
            for rule in rules
        ),
        every=every or min(timedelta(days=1), *(window / 7 for window in windows)),
    )
