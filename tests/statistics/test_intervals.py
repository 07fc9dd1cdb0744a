"""Confidence intervals: their values and how often they hold the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from stackcanvas.errors import BadInput
from stackcanvas.statistics import Interval, auc, bootstrap, brier, paired_difference, share_difference, wilson


@given(
    st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))),
    st.floats(0.5, 0.999),
)
def test_wilson_agrees_with_scipy(counts: tuple[int, int], confidence: float) -> None:
    """Any count, edges too, within 0 and 1."""
    own = wilson(counts[0], trials=counts[1], confidence=confidence)
    peer = binomtest(*counts).proportion_ci(confidence, method="wilson")

    assert [own.low, own.high] == pytest.approx([peer.low, peer.high], abs=1e-12)
    assert 0 <= own.low <= own.estimate <= own.high <= 1


def test_share_differences_hold_the_truth_as_often_as_they_say() -> None:
    """Near the edges, too, where the plain interval fails."""
    rng = np.random.default_rng(1)
    for first, second, trials in ((0.02, 0.05, 60), (0.5, 0.4, 40), (0.98, 0.9, 100)):
        draws = rng.binomial(trials, first, 2000), rng.binomial(trials, second, 2000)
        held = [
            not share_difference((int(a), trials), (int(b), trials)).excludes(second - first)
            for a, b in zip(*draws, strict=True)
        ]
        assert np.mean(held) >= 0.94


def test_the_bootstrap_holds_the_truth_and_repeats_itself() -> None:
    """About nineteen times in twenty; the same generator gives the same interval."""
    held = []
    for seed in range(150):
        values = np.random.default_rng(seed).exponential(size=80)
        interval = bootstrap(np.mean, [values], rng=np.random.default_rng(seed), resamples=300)
        held.append(not interval.excludes(1.0))
    again = bootstrap(np.mean, [values], rng=np.random.default_rng(149), resamples=300)

    assert 0.88 <= np.mean(held) <= 0.99
    assert again == interval


def test_a_paired_difference_is_sharper_than_two_intervals() -> None:
    """What rows have in common cancels: a small gain on the same rows is seen."""
    rng = np.random.default_rng(2)
    score = rng.random(3000)
    truth = (rng.random(3000) < score).astype(int)
    noisy = np.clip(score + rng.normal(0, 0.15, 3000), 0, 1)
    better = paired_difference(brier, truth, first=noisy, second=score, rng=rng, resamples=300)
    apart = [bootstrap(brier, [truth, each], rng=rng, resamples=300) for each in (noisy, score)]

    assert better.high < 0
    assert better.high - better.low < apart[0].high - apart[0].low
    assert better.estimate == pytest.approx(brier(truth, score) - brier(truth, noisy))


def test_resamples_without_an_answer_are_left_out() -> None:
    """A rare class is missing in some draws; a single class in all."""
    truth, score = [1, *([0] * 30)], [0.9, *np.linspace(0, 0.8, 30)]
    some = bootstrap(auc, [truth, score], rng=np.random.default_rng(3), resamples=50)
    none = bootstrap(auc, [[0, 0], [0.1, 0.2]], rng=np.random.default_rng(3), resamples=5)

    assert (some.low, some.high) == (1.0, 1.0)
    assert math.isnan(none.low)


def test_impossible_requests_are_refused() -> None:
    """No trials, more successes than trials, no rows, odd confidence."""
    rng = np.random.default_rng(4)
    calls: list[Callable[[], Interval]] = [
        lambda: wilson(0, trials=0),
        lambda: wilson(3, trials=2),
        lambda: wilson(1, trials=2, confidence=1.0),
        lambda: bootstrap(np.mean, [[]], rng=rng),
        lambda: bootstrap(brier, [[1], [0.1, 0.2]], rng=rng),
        lambda: bootstrap(np.mean, [[1.0]], rng=rng, resamples=0),
    ]
    for call in calls:
        with pytest.raises(BadInput):
            call()
