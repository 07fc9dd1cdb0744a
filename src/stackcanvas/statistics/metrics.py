"""Measures of predictions against the truth, on numpy alone.

Each takes the truth and the prediction, in this order. Measures of classification want a truth of 0 and 1 and a score
from 0 to 1 for the class 1. NaN is the answer where a measure is not defined for the rows given, as each one states;
rows that cannot be used are a `BadInput`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")
    npt = late("numpy.typing")

Numbers: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure by name.

    Attributes:
        name: as policies and gates write it.
        function: takes truth and prediction.
        higher_is_better: which way is better.
        binary: whether the truth must be 0 or 1.
    """

    name: str
    function: Callable[[Any, Any], float]
    higher_is_better: bool
    binary: bool

    def worse(self, value: float, than: float) -> bool:
        """Whether a value is worse than another; NaN is never worse.

        Example:
            >>> metric("auc").worse(0.7, than=0.72), metric("rmse").worse(0.7, than=0.72)
            (True, False)
        """
        return value < than if self.higher_is_better else value > than


def metric(name: str) -> Metric:
    """The measure of this name.

    Raises:
        NotFound: there is none.

    Example:
        >>> metric("brier").higher_is_better
        False
    """
    if name not in METRICS:
        raise NotFound("metric", name, known=METRICS)
    return METRICS[name]


def auc(truth: Any, score: Any) -> float:
    """Area under the receiver operating characteristic; NaN when only one class occurs.

    The share of pairs of one row of each class in which the score is the higher for the class 1, ties counting half:
    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic curve", 1982.

    Example:
        >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    actual, predicted = _binary(truth, score)
    order = np.argsort(predicted)
    actual, predicted = actual[order], predicted[order]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(predicted)) + 1))
    ones = np.add.reduceat(actual, starts)
    zeros = np.diff(starts, append=len(actual)) - ones
    pairs = ones.sum() * zeros.sum()
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / pairs) if pairs else math.nan


def brier(truth: Any, score: Any) -> float:
    """Mean squared difference of score and truth (Brier, "Verification of forecasts", 1950, for two classes).

    Example:
        >>> round(brier([0, 1], [0.25, 0.5]), 5)
        0.15625
    """
    actual, predicted = _probable(truth, score)
    return float(np.square(predicted - actual).mean())


def log_loss(truth: Any, score: Any) -> float:
    """Mean negative log-likelihood (Good, "Rational decisions", 1952); scores of 0 and 1 are moved in by 2.2e-16.

    Example:
        >>> round(log_loss([0, 1], [0.5, 0.5]), 4)
        0.6931
    """
    actual, predicted = _probable(truth, score)
    edge = float(np.finfo(np.float64).eps)
    predicted = np.clip(predicted, edge, 1 - edge)
    return float(-np.where(actual == 1, np.log(predicted), np.log1p(-predicted)).mean())


def accuracy(truth: Any, score: Any, *, threshold: float = 0.5) -> float:
    """Share of rows on the right side of the threshold.

    Example:
        >>> accuracy([0, 1, 1], [0.2, 0.5, 0.3])
        0.6666666666666666
    """
    actual, predicted = _binary(truth, score)
    return float(((predicted >= threshold) == (actual == 1)).mean())


def precision(truth: Any, score: Any, *, threshold: float = 0.5) -> float:
    """Share of rows of class 1 among those with a score at the threshold or above; NaN when there are none of those.

    Example:
        >>> precision([0, 1, 1], [0.7, 0.5, 0.3])
        0.5
    """
    actual, predicted = _binary(truth, score)
    chosen = actual[predicted >= threshold]
    return float(chosen.mean()) if len(chosen) else math.nan


def recall(truth: Any, score: Any, *, threshold: float = 0.5) -> float:
    """Share of the rows of class 1 that have a score at the threshold or above; NaN when there are none of class 1.

    Example:
        >>> recall([0, 1, 1], [0.7, 0.5, 0.3])
        0.5
    """
    actual, predicted = _binary(truth, score)
    chosen = predicted[actual == 1] >= threshold
    return float(chosen.mean()) if len(chosen) else math.nan


def calibration_error(truth: Any, score: Any, *, bins: int = 10) -> float:
    """Mean distance of score and frequency over bins of equal width, weighted by their rows.

    The expected calibration error of Guo et al., "On calibration of modern neural networks", 2017, for the score of
    class 1.

    Example:
        >>> round(calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]), 3)
        0.1
    """
    actual, predicted = _probable(truth, score)
    place = np.minimum((predicted * bins).astype(np.int64), bins - 1)
    differences = np.bincount(place, weights=predicted - actual, minlength=bins)
    return float(np.abs(differences).sum() / len(actual))


def mae(truth: Any, prediction: Any) -> float:
    """Mean absolute error.

    Example:
        >>> mae([1.0, 2.0], [2.0, 4.0])
        1.5
    """
    actual, predicted = _numbers(truth, prediction)
    return float(np.abs(predicted - actual).mean())


def rmse(truth: Any, prediction: Any) -> float:
    """Root of the mean squared error.

    Example:
        >>> rmse([1.0, 2.0], [2.0, 3.0])
        1.0
    """
    actual, predicted = _numbers(truth, prediction)
    return float(np.sqrt(np.square(predicted - actual).mean()))


METRICS = {
    entry.name: entry
    for entry in (
        Metric("auc", auc, higher_is_better=True, binary=True),
        Metric("brier", brier, higher_is_better=False, binary=True),
        Metric("log_loss", log_loss, higher_is_better=False, binary=True),
        Metric("accuracy", accuracy, higher_is_better=True, binary=True),
        Metric("precision", precision, higher_is_better=True, binary=True),
        Metric("recall", recall, higher_is_better=True, binary=True),
        Metric("calibration_error", calibration_error, higher_is_better=False, binary=True),
        Metric("mae", mae, higher_is_better=False, binary=False),
        Metric("rmse", rmse, higher_is_better=False, binary=False),
    )
}


def _numbers(truth: Any, prediction: Any) -> tuple[Numbers, Numbers]:
    """Both as numbers of the same length, none of them missing."""
    pair = []
    for what, values in (("truth", truth), ("prediction", prediction)):
        try:
            array = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise BadInput(f"the {what} holds something that is no number: {error}", expected="numbers") from error
        if array.ndim != 1 or not len(array):
            raise BadInput(f"the {what} has the shape {array.shape}", expected="one column of at least one row")
        if not np.isfinite(array).all():
            raise BadInput(f"the {what} holds NaN or an infinity", expected="finite numbers")
        pair.append(array)
    if len(pair[0]) != len(pair[1]):
        raise BadInput(f"{len(pair[0])} rows of truth, {len(pair[1])} predictions", expected="as many of both")
    return pair[0], pair[1]


def _binary(truth: Any, score: Any) -> tuple[Numbers, Numbers]:
    actual, predicted = _numbers(truth, score)
    if not np.isin(actual, (0.0, 1.0)).all():
        raise BadInput("the truth holds something other than 0 and 1", expected="0 or 1 in each row")
    return actual, predicted


def _probable(truth: Any, score: Any) -> tuple[Numbers, Numbers]:
    actual, predicted = _binary(truth, score)
    if predicted.min() < 0 or predicted.max() > 1:
        raise BadInput("a score lies outside 0 to 1", expected="the probability of class 1")
    return actual, predicted
