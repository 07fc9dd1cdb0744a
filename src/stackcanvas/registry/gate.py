"""The gate: whether a candidate is good enough to be registered, by itself and beside the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.statistics import METRICS, Interval, paired_difference

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

_RESAMPLES = 300


@dataclass(frozen=True, slots=True)
class Rule:
    """What a candidate must reach in one metric.

    Args:
        metric: its name, as the scores carry it.
        at_least: the smallest value that passes.
        at_most: the largest value that passes.
        margin: how much worse than the champion is still accepted; below 0, by how much it must be better; None means
            that they are not compared.
        confidence: how sure the comparison with the champion must be.
        higher_is_better: which way is better; may be left out for metrics that `stackcanvas.statistics` knows.
        blocks: whether a failed rule keeps the candidate out; else it is only told.

    Raises:
        BadInput: the rule has no bound and no margin, or does not say which way is better.

    Example:
        >>> Rule("auc", at_least=0.7, margin=0.005).higher_is_better
        True
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    margin: float | None = None
    confidence: float = 0.95
    higher_is_better: bool | None = None
    blocks: bool = True

    @property
    def has_bound(self) -> bool:
        """Whether it asks something of the value itself, without a champion."""
        return self.at_least is not None or self.at_most is not None

    def __post_init__(self) -> None:
        where = f"gate rule for {self.metric!r}"
        if self.higher_is_better is None and self.metric in METRICS:
            object.__setattr__(self, "higher_is_better", METRICS[self.metric].higher_is_better)
        if not self.has_bound and self.margin is None:
            raise BadInput("it asks for nothing", where=where, expected="at_least, at_most or margin")
        if self.margin is not None and self.higher_is_better is None:
            raise BadInput("it does not say which way is better", where=where, fix="Give higher_is_better")
        if self.margin is not None and not math.isfinite(self.margin):
            raise BadInput(f"the margin is {self.margin}", where=where, expected="a number")
        if not 0.5 < self.confidence < 1:
            raise BadInput(f"the confidence is {self.confidence}", where=where, expected="a number between 0.5 and 1")


@dataclass(frozen=True, slots=True)
class Scores:
    """How a model did on some rows.

    Args:
        metrics: name -> value.
        truth: what was true in each row; with `predictions` it allows comparing two models row by row.
        predictions: what the model said of each row, for classes the probability of the class 1.
    """

    metrics: Mapping[str, float]
    truth: npt.ArrayLike | None = field(default=None, repr=False)
    predictions: npt.ArrayLike | None = field(default=None, repr=False)

    @classmethod
    def of(cls, truth: npt.ArrayLike, predictions: npt.ArrayLike, *, metrics: Sequence[str]) -> Scores:
        """The named metrics of `stackcanvas.statistics` on these rows.

        Raises:
            BadInput: a metric is not known.

        Example:
            >>> dict(Scores.of([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], metrics=["auc"]).metrics)
            {'auc': 0.75}
        """
        unknown = [name for name in metrics if name not in METRICS]
        if unknown:
            raise BadInput(f"{unknown[0]!r} is no metric known here", expected=", ".join(METRICS))
        return cls({name: METRICS[name].function(truth, predictions) for name in metrics}, truth, predictions)


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one rule.

    Args:
        candidate: its value, None when it was not measured.
        champion: the same of the champion.
        change: candidate less champion on the same rows, with its interval.
        said: the finding as a sentence.
    """

    metric: str
    passed: bool
    blocks: bool
    candidate: float | None
    champion: float | None
    change: Interval | None
    said: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """The answer of the gate, with what led to it.

    Args:
        passed: whether every rule that blocks was kept.
    """

    passed: bool
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks against the candidate."""
        return tuple(check.said for check in self.checks if not check.passed)

    def to_json(self) -> dict[str, Any]:
        """As it is kept with a version."""
        return {"passed": self.passed, "checks": [asdict(check) for check in self.checks]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> GateResult:
        """As `to_json` gave it."""
        checks = [
            Check(**{**check, "change": check["change"] and Interval(**check["change"])}) for check in stored["checks"]
        ]
        return cls(stored["passed"], tuple(checks))


def judge(rules: Sequence[Rule], candidate: Scores, *, champion: Scores | None = None, seed: int = 0) -> GateResult:
    """Hold a candidate against the rules.

    Where both have predictions of the same rows, a rule with a margin is kept when the interval of the difference
    (paired bootstrap) shows that the candidate is not worse by more than the margin; else the plain values decide.

    Args:
        rules: what is asked.
        candidate: how it did.
        champion: how the one in use did, on the same rows; None when there is none, then only bounds count.
        seed: for the bootstrap.

    Example:
        >>> rules = [Rule("auc", at_least=0.7, margin=0.01)]
        >>> judge(rules, Scores({"auc": 0.74}), champion=Scores({"auc": 0.76})).reasons
        ('auc is 0.74 against 0.76 of the champion, which is worse by more than 0.01',)
    """
    if champion is not None and candidate.truth is not None and champion.truth is not None:
        _require_same_rows(candidate, champion)
    checks = tuple(_check(rule, candidate, champion, seed) for rule in rules)
    return GateResult(all(check.passed or not check.blocks for check in checks), checks)


def _check(rule: Rule, candidate: Scores, champion: Scores | None, seed: int) -> Check:
    mine = candidate.metrics.get(rule.metric)
    theirs = None if champion is None else champion.metrics.get(rule.metric)
    change = None
    said = _beyond(rule, mine)
    passed = said is None
    if said is None and rule.margin is not None and champion is not None:
        change = _change(rule, candidate, champion, seed)
        said, passed = _beside(rule, mine, theirs, change)
    return Check(rule.metric, passed, rule.blocks, mine, theirs, change, said or f"{rule.metric} is {mine:.4g}")


def _beyond(rule: Rule, mine: float | None) -> str | None:
    """What speaks against the value by itself."""
    if mine is None or math.isnan(mine):
        return f"{rule.metric} was not measured"
    if rule.at_least is not None and mine < rule.at_least:
        return f"{rule.metric} is {mine:.4g}, less than {rule.at_least:g}"
    if rule.at_most is not None and mine > rule.at_most:
        return f"{rule.metric} is {mine:.4g}, more than {rule.at_most:g}"
    return None


def _beside(rule: Rule, mine: float | None, theirs: float | None, change: Interval | None) -> tuple[str, bool]:
    """The finding beside the champion, and whether the rule is kept."""
    if mine is None or theirs is None or rule.margin is None or math.isnan(theirs):
        return f"{rule.metric} of the champion was not measured", False
    said = f"{rule.metric} is {mine:.4g} against {theirs:.4g} of the champion"
    if change is None:
        gain = mine - theirs if rule.higher_is_better else theirs - mine
        beyond = f", which is worse by more than {rule.margin:g}"
    else:
        gain = change.low if rule.higher_is_better else -change.high
        said += f"; the difference lies from {change.low:+.4f} to {change.high:+.4f}"
        beyond = f", which may be worse by more than {rule.margin:g}"
    kept = gain >= -rule.margin
    return said if kept else said + beyond, kept


def _change(rule: Rule, candidate: Scores, champion: Scores, seed: int) -> Interval | None:
    known = METRICS.get(rule.metric)
    if known is None or candidate.predictions is None or champion.predictions is None or candidate.truth is None:
        return None
    return paired_difference(
        known.function,
        candidate.truth,
        first=champion.predictions,
        second=candidate.predictions,
        rng=np.random.default_rng(seed),
        resamples=_RESAMPLES,
        # Only one end of the interval decides, and that end alone is to be so sure.
        confidence=2 * rule.confidence - 1,
    )


def _require_same_rows(candidate: Scores, champion: Scores) -> None:
    if not np.array_equal(np.asarray(candidate.truth), np.asarray(champion.truth)):
        raise BadInput("candidate and champion were scored on different rows", fix="Score both on the same rows")
