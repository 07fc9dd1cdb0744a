"""Money day by day: earned, spent, and what is left so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from stackcanvas.value.earned import Earned


@dataclass(frozen=True, slots=True)
class Balance:
    """The money of one day, all versions together.

    Attributes:
        day: in UTC.
        decisions: judged predictions.
        earned: on that day.
        cost: of that day.
        so_far: earned less cost, from the first day to this one.
    """

    day: date
    decisions: int
    earned: Decimal
    cost: Decimal
    so_far: Decimal


def balance(earned: Sequence[Earned], *, cost_per_day: Decimal = Decimal(0)) -> list[Balance]:
    """The money of each day from the first to the last that earned something, days without predictions among them.

    Args:
        earned: by version and day.
        cost_per_day: what a day of the stack costs.

    Example:
        >>> days = [Earned("model:delay@1", date(2013, 5, day), 1, Decimal(worth)) for day, worth in ((1, 8), (3, 4))]
        >>> [(one.day.day, str(one.so_far)) for one in balance(days, cost_per_day=Decimal(3))]
        [(1, '5'), (2, '2'), (3, '3')]
    """
    if not earned:
        return []
    first, last = min(part.day for part in earned), max(part.day for part in earned)
    found: list[Balance] = []
    so_far = Decimal(0)
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        parts = [part for part in earned if part.day == day]
        worth = sum((part.worth for part in parts), Decimal(0))
        so_far += worth - cost_per_day
        found.append(Balance(day, sum(part.decisions for part in parts), worth, cost_per_day, so_far))
    return found
