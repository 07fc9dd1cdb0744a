"""A test of a difference that stays valid however often one looks, so that a release may stop as soon as it is clear.

The mixture sequential probability ratio test: Robbins, "Statistical methods related to the law of the iterated
logarithm", 1970; Johari, Koomen, Pekelis and Walsh, "Always valid inference: continuous monitoring of A/B tests",
2022; with estimated variances it holds asymptotically (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences", 2024), hence the least number of rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackcanvas.errors import BadInput
from stackcanvas.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

MIN_ROWS = 50
"""With fewer rows in either group nothing is said: the variance is not known well enough."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of the outcomes of one group so far.

    Attributes:
        rows: how many outcomes.
        mean: their mean.
        variance: of one outcome.
    """

    rows: int
    mean: float
    variance: float

    @classmethod
    def of_share(cls, successes: int, *, trials: int) -> Group:
        """A group of yes and no; the variance is that with one yes and one no more, so that it is never zero.

        Example:
            >>> Group.of_share(5, trials=10)
            Group(rows=10, mean=0.5, variance=0.25)
        """
        if not 0 <= successes <= trials:
            raise BadInput(f"{successes} successes of {trials} trials", expected="no more successes than trials")
        share = (successes + 1) / (trials + 2)
        return cls(trials, successes / trials if trials else 0.0, share * (1 - share))

    @classmethod
    def of_values(cls, values: npt.ArrayLike) -> Group:
        """A group of numbers.

        Example:
            >>> Group.of_values([1.0, 3.0])
            Group(rows=2, mean=2.0, variance=2.0)
        """
        array = np.asarray(values, dtype=np.float64)
        if not np.isfinite(array).all():
            raise BadInput("an outcome is NaN or infinite", expected="finite numbers")
        rows = len(array)
        return cls(rows, float(array.mean()) if rows else 0.0, float(array.var(ddof=1)) if rows > 1 else 0.0)

    def merge(self, other: Group) -> Group:
        """Both groups of numbers as one (not for shares, which are counted up instead)."""
        rows = self.rows + other.rows
        if not self.rows or not other.rows:
            return self if self.rows else other
        step = other.mean - self.mean
        squares = self.variance * (self.rows - 1) + other.variance * (other.rows - 1)
        squares += step * step * self.rows * other.rows / rows
        return Group(rows, self.mean + step * other.rows / rows, squares / (rows - 1))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the test says now.

    Attributes:
        difference: second less first.
        low: lower end of an interval that holds the true difference at all times together.
        high: its upper end.
        p_value: may be compared with the level at any time; keep the smallest seen.
        different: whether the groups differ, at the level asked for.
    """

    difference: float
    low: float
    high: float
    p_value: float
    different: bool


def compare(
    first: Group, second: Group, *, expected: float, level: float = 0.05, min_rows: int = MIN_ROWS
) -> Comparison:
    """Whether two groups differ, valid at every look.

    Args:
        first: the group compared with.
        second: the other group.
        expected: the difference one hopes to see; it decides when the test is sharpest, not whether it is valid, and
            must be chosen before looking.
        level: the chance of a false alarm over all looks together.
        min_rows: with fewer rows in either group nothing is said.

    Raises:
        BadInput: the expected difference is not positive.

    Example:
        >>> now = compare(Group.of_share(300, trials=1000), Group.of_share(400, trials=1000), expected=0.05)
        >>> now.different, now.low < 0.1 < now.high
        (True, True)
    """
    if not (expected > 0 and math.isfinite(expected)) or not 0 < level < 1:
        raise BadInput(f"expected={expected}, level={level}", expected="a positive difference, a level within 0 to 1")
    difference = second.mean - first.mean
    if min(first.rows, second.rows) < max(2, min_rows):
        return Comparison(difference, -math.inf, math.inf, 1.0, different=False)
    variance = first.variance / first.rows + second.variance / second.rows
    if variance == 0:
        same = difference == 0
        return Comparison(difference, difference, difference, 1.0 if same else 0.0, different=not same)
    mixing = expected * expected
    log_ratio = (math.log(variance) - math.log(variance + mixing)) / 2
    log_ratio += difference * difference * mixing / (2 * variance * (variance + mixing))
    half = math.sqrt(variance * (variance + mixing) / mixing * (math.log1p(mixing / variance) - 2 * math.log(level)))
    p_value = math.exp(min(0.0, -log_ratio))
    return Comparison(difference, difference - half, difference + half, p_value, different=p_value <= level)
