"""The sequential test: false alarms under constant looking, and how soon a difference is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.errors import BadInput
from stackcanvas.statistics import Comparison, Group, compare

_LOOKS = range(20, 2000, 20)


def looks_at_shares(
    first: float, second: float, *, expected: float, canary: float, rng: np.random.Generator
) -> list[Comparison]:
    """One experiment, looked at a hundred times; `canary` is the share of rows of the second group."""
    to_second = rng.random(_LOOKS[-1]) < canary
    outcome = rng.random(_LOOKS[-1]) < np.where(to_second, second, first)
    found = []
    for rows in _LOOKS:
        seen, good = to_second[:rows], outcome[:rows]
        groups = [Group.of_share(int(good[side].sum()), trials=int(side.sum())) for side in (~seen, seen)]
        found.append(compare(*groups, expected=expected))
    return found


@pytest.mark.parametrize(
    ("share", "expected", "canary"),
    [(0.01, 0.01, 0.5), (0.1, 0.05, 0.5), (0.5, 0.1, 0.5), (0.95, 0.05, 0.5), (0.1, 0.1, 0.1), (0.5, 0.3, 0.2)],
)
def test_looking_all_the_time_gives_few_false_alarms(share: float, expected: float, canary: float) -> None:
    """With no difference, at most five per cent of experiments ever say that there is one.

    A plain test says so in more than a third of them when it is looked at that often.
    """
    rng = np.random.default_rng(1)
    alarms = [
        any(look.different for look in looks_at_shares(share, share, expected=expected, canary=canary, rng=rng))
        for _ in range(200)
    ]

    assert np.mean(alarms) <= 0.09  # the 99 % limit of 200 draws at five per cent


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, rows: rng.normal(size=rows),
        lambda rng, rows: rng.lognormal(size=rows),
        lambda rng, rows: np.where(rng.random(rows) < 0.05, rng.exponential(10, rows), 0.0),
    ],
    ids=["normal", "lognormal", "mostly zero"],
)
def test_means_of_skewed_outcomes_give_few_false_alarms(draw: Callable[[np.random.Generator, int], np.ndarray]) -> None:
    """Money earned is skewed and mostly zero; groups grow by merging."""
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(150):
        first, second = Group.of_values([]), Group.of_values([])
        for _ in range(60):
            first, second = first.merge(Group.of_values(draw(rng, 25))), second.merge(Group.of_values(draw(rng, 25)))
            if compare(first, second, expected=0.3).different:
                alarms += 1
                break

    assert alarms / 150 <= 0.09


def test_a_real_difference_is_seen_soon_and_held_by_the_interval() -> None:
    """Most experiments with a difference of ten points end within two thousand rows."""
    rng = np.random.default_rng(3)
    runs = [looks_at_shares(0.3, 0.4, expected=0.1, canary=0.5, rng=rng) for _ in range(100)]

    assert np.mean([any(look.different for look in run) for run in runs]) > 0.8
    assert np.mean([all(look.low <= 0.1 <= look.high for look in run) for run in runs]) >= 0.93


@given(st.lists(st.floats(-1e3, 1e3), max_size=20), st.lists(st.floats(-1e3, 1e3), max_size=20))
def test_merged_groups_are_the_group_of_all(first: list[float], second: list[float]) -> None:
    """Rows, mean and variance."""
    merged, whole = Group.of_values(first).merge(Group.of_values(second)), Group.of_values([*first, *second])

    assert merged.rows == whole.rows
    assert merged.mean == pytest.approx(whole.mean, abs=1e-6)
    assert merged.variance == pytest.approx(whole.variance, abs=1e-4)


def test_few_rows_say_nothing() -> None:
    """However large the difference looks."""
    now = compare(Group.of_share(0, trials=40), Group.of_share(40, trials=40), expected=0.1)

    assert (now.different, now.p_value) == (False, 1.0)
    assert now.low < -1 < 1 < now.high


def test_interval_and_p_value_agree() -> None:
    """Different exactly when the interval leaves out zero."""
    for good in range(100, 200, 5):
        now = compare(Group.of_share(100, trials=300), Group.of_share(good, trials=300), expected=0.1)

        assert now.different == (now.low > 0 or now.high < 0)


def test_outcomes_that_never_vary() -> None:
    """All alike in both groups: the same or certainly different."""
    ones, twos = Group.of_values(np.ones(60)), Group.of_values(np.full(60, 2.0))

    assert not compare(ones, ones, expected=1).different
    assert compare(ones, twos, expected=1).different


def test_impossible_requests_are_refused() -> None:
    """An expectation of nothing, more successes than trials, NaN."""
    group = Group.of_share(1, trials=2)
    for call in (
        lambda: compare(group, group, expected=0),
        lambda: compare(group, group, expected=1, level=0),
        lambda: Group.of_share(3, trials=2),
        lambda: Group.of_values([np.nan]),
    ):
        with pytest.raises(BadInput):
            call()
