"""Policies, and what the canvas says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stackcanvas.canvas.blocks import monitoring as canvas
from stackcanvas.errors import BadInput, NotFound
from stackcanvas.monitoring import Decay, Policy, Rule, policy_of


def test_the_canvas_says_everything() -> None:
    """Each answer of the block arrives."""
    answers = canvas.Monitoring(
        ml_metrics=("auc", "brier", "worth_per_flight"),
        decay=canvas.Decay(metric="auc", worse_by=0.03, window=timedelta(days=14), min_labels=2000),
        skew=canvas.Skew(
            bound=0.1,
            share="30%",  # type: ignore[arg-type]  # as the canvas writes it
            window=timedelta(days=5),
            min_rows=2000,
            columns=("temp",),
        ),
        alerting=canvas.Alerting(
            rules=(canvas.Rule(name="slow", metric="latency_p99_ms", above=50, lasting=timedelta(minutes=15)),)
        ),
    )
    policy = policy_of(answers, ignored=("tailnum",))

    assert policy.measured == ("auc", "brier")
    assert policy.decay == Decay(metric="auc", worse_by=0.03, window=timedelta(days=14), min_labels=2000)
    assert policy.skew is not None
    assert (policy.skew.distance, policy.skew.share, policy.skew.columns) == (0.1, 0.3, ("temp",))
    assert policy.skew.ignored == ("tailnum",)
    assert policy.rules == (Rule(name="slow", metric="latency_p99_ms", above=50, lasting=timedelta(minutes=15)),)
    assert policy.every == timedelta(days=5) / 7


def test_an_empty_block_watches_drift() -> None:
    """Nothing answered: drift against training is watched, nothing else can be."""
    policy = policy_of(canvas.Monitoring())

    assert policy.skew is not None
    assert (policy.decay, policy.measured, policy.rules) == (None, (), ())


def test_short_windows_are_measured_more_often() -> None:
    """Seven times in the shortest window."""
    answers = canvas.Monitoring(skew=canvas.Skew(window=timedelta(hours=7)))

    assert policy_of(answers).every == timedelta(hours=1)


@pytest.mark.parametrize(
    ("decay", "bound"),
    [
        (Decay(metric="auc", at_least=0.7), (0.7, None)),
        (Decay(metric="auc", worse_by=0.05), (0.75, None)),
        (Decay(metric="auc", worse_by=0.05, at_least=0.78), (0.78, None)),
        (Decay(metric="brier", worse_by=0.05), (None, 0.25)),
        (Decay(metric="brier", worse_by=0.05, at_most=0.22), (None, 0.22)),
    ],
)
def test_bounds_follow_the_direction_of_the_metric(decay: Decay, bound: tuple[float | None, float | None]) -> None:
    """Worse is lower for the AUC and higher for the Brier score; the narrower bound counts."""
    low, high = decay.bound({"auc": 0.8, "brier": 0.2})

    assert (low and round(low, 6), high and round(high, 6)) == bound


def test_what_cannot_be_measured_is_refused() -> None:
    """An unknown metric, a decay from a value that nobody wrote down, a pause of nothing."""
    with pytest.raises(NotFound, match="Did you mean 'brier'"):
        Decay(metric="brierr", at_most=1)
    with pytest.raises(NotFound):
        Policy(metrics=("magic",))
    with pytest.raises(BadInput, match="registered without 'auc'"):
        Decay(metric="auc", worse_by=0.1).bound({"brier": 0.2})
    with pytest.raises(BadInput):
        Policy(every=timedelta(0))
