"""Agreement between people who judge the same things, beyond what chance gives."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

_Value = TypeVar("_Value", bound=Hashable)

Distance = Callable[[_Value, _Value], float]


def cohen_kappa(pairs: Sequence[tuple[_Value, _Value]]) -> float:
    """The agreement of two people on the same items (Cohen, "A coefficient of agreement for nominal scales", 1960).

    One is full agreement, zero what chance gives; NaN where there is no item, or only one value occurs.

    Example:
        >>> pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
        >>> round(cohen_kappa(pairs), 3)
        0.4
    """
    if not pairs:
        return math.nan
    observed = sum(one == two for one, two in pairs) / len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    expected = sum(count * second[value] for value, count in first.items()) / len(pairs) ** 2
    return math.nan if expected == 1 else (observed - expected) / (1 - expected)


def fleiss_kappa(items: Sequence[Sequence[_Value]]) -> float:
    """The agreement of several people, equally many on each item (Fleiss, "Measuring nominal scale agreement", 1971).

    Args:
        items: the values that each item was given; items with fewer than two, or another number than most, are left
            out.

    Example:
        >>> fleiss_kappa([["a", "a", "a"], ["b", "b", "b"], ["a", "a", "b"]])
        0.55
    """
    sizes = Counter(len(values) for values in items if len(values) > 1)
    if not sizes:
        return math.nan
    people = max(sizes, key=lambda size: (sizes[size], size))
    kept = [Counter(values) for values in items if len(values) == people]
    alike = [sum(count * (count - 1) for count in counts.values()) / (people * (people - 1)) for counts in kept]
    observed = sum(alike) / len(kept)
    whole: Counter[_Value] = sum(kept, Counter())
    expected = sum((count / (len(kept) * people)) ** 2 for count in whole.values())
    return math.nan if expected == 1 else round((observed - expected) / (1 - expected), 12)


def krippendorff_alpha(items: Sequence[Sequence[_Value]], distance: Distance[_Value] | None = None) -> float:
    """The agreement of any number of people, also where some judged only some items, on values of any kind.

    From the coincidences of values (Krippendorff, "Computing Krippendorff's alpha-reliability", 2011). One is full
    agreement, zero what chance gives; NaN where no item has two values, or only one value occurs.

    Args:
        items: the values that each item was given.
        distance: how far two values are apart, squared; whether they differ at all when not given.

    Example:
        >>> round(krippendorff_alpha([[1, 1], [2, 2], [3, 3], [3, 2]]), 3)
        0.667
    """
    apart = distance or _differ
    kept = [values for values in items if len(values) > 1]
    whole = Counter(value for values in kept for value in values)
    total = sum(whole.values())
    if len(whole) < 2:
        return math.nan
    observed = 0.0
    for values in kept:
        counts = Counter(values)
        found = sum(m * n * apart(one, two) for (one, m), (two, n) in itertools.combinations(counts.items(), 2))
        observed += 2 * found / (len(values) - 1)
    by_chance = sum(m * n * apart(one, two) for (one, m), (two, n) in itertools.combinations(whole.items(), 2))
    expected = 2 * by_chance / (total - 1)
    return 1 - observed / expected if expected else math.nan


def interval(one: float, two: float) -> float:
    """How far two numbers are apart, squared."""
    return (one - two) ** 2


def jaccard(one: frozenset[_Value], two: frozenset[_Value]) -> float:
    """How far two sets are apart: one less the share that they have in common.

    Example:
        >>> jaccard(frozenset("ab"), frozenset("bc")), jaccard(frozenset(), frozenset())
        (0.6666666666666667, 0.0)
    """
    both = one | two
    return 1 - len(one & two) / len(both) if both else 0.0


def _differ(one: Hashable, two: Hashable) -> float:
    return float(one != two)
