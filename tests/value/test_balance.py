"""Money day by day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.value import Earned, balance

MAY = date(2013, 5, 1)
PARTS = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["m@1", "m@2"]), st.decimals(-1000, 1000, places=2)),
    min_size=1,
    max_size=20,
)


@given(PARTS, st.decimals(0, 50, places=2))
def test_nothing_is_lost_and_days_follow_each_other(parts: list[tuple[int, str, Decimal]], cost: Decimal) -> None:
    """Every day from the first to the last; what is left at the end is all that was earned less all that it cost."""
    earned = [Earned(model, MAY + timedelta(days=day), 1, worth) for day, model, worth in parts]
    days = balance(earned, cost_per_day=cost)

    assert [one.day for one in days] == [days[0].day + timedelta(days=step) for step in range(len(days))]
    assert days[-1].so_far == sum((worth for _, _, worth in parts), Decimal(0)) - cost * len(days)
    assert sum(one.decisions for one in days) == len(parts)


def test_nothing_earned_is_no_day() -> None:
    """Not even a cost."""
    assert balance([], cost_per_day=Decimal(5)) == []
