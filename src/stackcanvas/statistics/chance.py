"""The few distributions that tests need, in closed form: no import of scipy where a prediction server starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_quantile(share: float) -> float:
    """The standard normal value below which this share lies.

    Example:
        >>> round(normal_quantile(0.975), 3)
        1.96
    """
    return _NORMAL.inv_cdf(share)


def chi_square_tail(value: float, *, freedom: int) -> float:
    """The probability that a chi-square variable of so many degrees of freedom exceeds the value.

    The finite sums of Abramowitz and Stegun, "Handbook of mathematical functions", 26.4.4 and 26.4.5, with each term
    taken from its logarithm, so that nothing overflows.

    Example:
        >>> round(chi_square_tail(3.841, freedom=1), 3), round(chi_square_tail(18.307, freedom=10), 3)
        (0.05, 0.05)
    """
    half = value / 2
    if half <= 0 or freedom < 1:
        return 1.0
    if freedom % 2:
        tail, powers = math.erfc(math.sqrt(half)), [step + 0.5 for step in range(freedom // 2)]
    else:
        tail, powers = 0.0, [float(step) for step in range(freedom // 2)]
    terms = (math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)
    return min(1.0, tail + math.fsum(terms))


def hypergeometric_tail(found: int, *, marked: int, drawn: int, rest: int) -> float:
    """The chance of so many marked ones among those drawn, or more extreme (Fisher's exact test).

    Both sides count: it is twice the tail that lies away from the mean.

    Args:
        found: marked ones among those drawn.
        marked: marked ones in all.
        drawn: how many are drawn.
        rest: how many are not drawn.

    Example:
        >>> round(hypergeometric_tail(3, marked=3, drawn=5, rest=95), 6)
        0.000124
    """
    more = found * (drawn + rest) >= marked * drawn
    counts = range(found, min(marked, drawn) + 1) if more else range(found, max(0, marked - rest) - 1, -1)
    whole = _log_choose(drawn + rest, drawn)
    tail = 0.0
    for count in counts:
        term = _log_choose(marked, count) + _log_choose(drawn + rest - marked, drawn - count) - whole
        probability = math.exp(term)
        tail += probability
        if probability <= tail * 1e-15:  # they only become smaller
            break
    return min(1.0, 2 * tail)


def _log_choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p-values corrected for their number: the chance of even one false alarm stays below the level tested at.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.

    Example:
        >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
        {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    corrected: dict[str, float] = {}
    highest = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        highest = max(highest, min(1.0, p_values[name] * (len(p_values) - place)))
        corrected[name] = highest
    return {name: corrected[name] for name in p_values}
