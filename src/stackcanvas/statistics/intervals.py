"""Confidence intervals: for shares, for differences of shares, and for any statistic by the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackcanvas.errors import BadInput
from stackcanvas.late import late
from stackcanvas.statistics.chance import normal_quantile

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the range that holds the true value with the stated confidence."""

    estimate: float
    low: float
    high: float
    confidence: float

    def excludes(self, value: float) -> bool:
        """Whether a value lies outside.

        Example:
            >>> wilson(60, trials=100).excludes(0.5)
            True
        """
        return value < self.low or value > self.high


def wilson(successes: int, *, trials: int, confidence: float = 0.95) -> Interval:
    """The interval of a share (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).

    Raises:
        BadInput: there is no trial, or more successes than trials.

    Example:
        >>> share = wilson(8, trials=10)
        >>> round(share.low, 3), round(share.high, 3)
        (0.49, 0.943)
    """
    _check(successes, trials)
    z = _z(confidence)
    share = successes / trials
    denominator = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / denominator
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / denominator
    # At the edges the exact ends are 0 and 1; rounding would miss them by a hair.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(share, low, high, confidence)


def share_difference(first: tuple[int, int], second: tuple[int, int], *, confidence: float = 0.95) -> Interval:
    """The interval of the difference of two independent shares, second less first.

    One success and one failure are added to each (Agresti and Caffo, "Simple and effective confidence intervals for
    proportions and differences of proportions result from adding two successes and two failures", 2000).

    Args:
        first: successes and trials.
        second: successes and trials.
        confidence: of the interval.

    Example:
        >>> change = share_difference((50, 100), (70, 100))
        >>> round(change.estimate, 2), round(change.low, 3), round(change.high, 3)
        (0.2, 0.064, 0.328)
    """
    shares, variance = [], 0.0
    for successes, trials in (first, second):
        _check(successes, trials)
        share = (successes + 1) / (trials + 2)
        variance += share * (1 - share) / (trials + 2)
        shares.append(share)
    middle, half = shares[1] - shares[0], _z(confidence) * math.sqrt(variance)
    estimate = second[0] / second[1] - first[0] / first[1]
    return Interval(estimate, max(-1.0, middle - half), min(1.0, middle + half), confidence)


def bootstrap(
    statistic: Callable[..., float],
    columns: Sequence[Any],
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Interval:
    """The percentile interval of a statistic of rows (Efron, "Bootstrap methods: another look at the jackknife", 1979).

    Resamples for which the statistic is not defined (NaN) are left out; if it is for none, the ends are NaN.

    Args:
        statistic: takes the columns, gives a number.
        columns: arrays of the same length; a row is drawn from all of them together.
        rng: where the draws come from; the same one gives the same interval.
        resamples: how often rows are drawn.
        confidence: of the interval.

    Raises:
        BadInput: there are no rows, or columns differ in length.

    Example:
        >>> waits = np.arange(100.0)
        >>> mean = bootstrap(np.mean, [waits], rng=np.random.default_rng(1))
        >>> mean.estimate, 40 < mean.low < 46, 53 < mean.high < 59
        (49.5, True, True)
    """
    arrays = [np.asarray(column) for column in columns]
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1 or lengths == {0}:
        raise BadInput(f"columns of {sorted(lengths)} rows", expected="columns of the same length, not empty")
    if resamples < 1 or not 0 < confidence < 1:
        raise BadInput(
            f"resamples={resamples}, confidence={confidence}",
            expected="at least one resample, confidence within 0 to 1",
        )
    rows = lengths.pop()
    drawn = np.empty(resamples)
    for turn in range(resamples):
        chosen = rng.integers(0, rows, rows)
        drawn[turn] = statistic(*(array[chosen] for array in arrays))
    drawn = drawn[~np.isnan(drawn)]
    estimate = float(statistic(*arrays))
    if not len(drawn):
        return Interval(estimate, math.nan, math.nan, confidence)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(low), float(high), confidence)


def paired_difference(
    metric: Callable[[Any, Any], float],
    truth: Any,
    *,
    first: Any,
    second: Any,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Interval:
    """How a metric differs between two predictions of the same rows, second less first.

    Both are taken on the same drawn rows, so what rows have in common cancels.

    Example:
        >>> truth = np.tile([0, 1], 200)
        >>> better = np.where(truth == 1, 0.8, 0.2)
        >>> change = paired_difference(
        ...     lambda y, p: float(np.abs(y - p).mean()), truth, first=better * 0 + 0.5, second=better,
        ...     rng=np.random.default_rng(1), resamples=50)
        >>> round(change.estimate, 6), change.excludes(0)
        (-0.3, True)
    """

    def difference(actual: Any, before: Any, after: Any) -> float:
        return metric(actual, after) - metric(actual, before)

    return bootstrap(difference, [truth, first, second], rng=rng, resamples=resamples, confidence=confidence)


def _check(successes: int, trials: int) -> None:
    if trials < 1 or not 0 <= successes <= trials:
        raise BadInput(f"{successes} successes of {trials} trials", expected="at least one trial, no more successes")


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise BadInput(f"a confidence of {confidence}", expected="a number between 0 and 1")
    return normal_quantile((1 + confidence) / 2)
