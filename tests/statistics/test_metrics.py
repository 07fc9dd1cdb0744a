"""Metrics, held against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as peer

from stackcanvas.errors import BadInput, NotFound
from stackcanvas.statistics import (
    METRICS,
    accuracy,
    auc,
    brier,
    calibration_error,
    log_loss,
    mae,
    metric,
    precision,
    recall,
    rmse,
)

ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0])), min_size=2, max_size=40
)


@given(ROWS)
def test_measures_of_classification_agree_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    """With ties, scores of 0 and 1, and any share of the classes."""
    truth, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    assume(len(set(truth.tolist())) == 2)
    chosen = (score >= 0.5).astype(int)

    assert auc(truth, score) == pytest.approx(peer.roc_auc_score(truth, score))
    assert brier(truth, score) == pytest.approx(peer.brier_score_loss(truth, score))
    assert log_loss(truth, score) == pytest.approx(peer.log_loss(truth, score))
    assert accuracy(truth, score) == pytest.approx(peer.accuracy_score(truth, chosen))
    assert recall(truth, score) == pytest.approx(peer.recall_score(truth, chosen))
    if chosen.any():
        assert precision(truth, score) == pytest.approx(peer.precision_score(truth, chosen))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=30))
def test_measures_of_regression_agree_with_scikit_learn(rows: list[tuple[float, float]]) -> None:
    """Any finite numbers."""
    truth, predicted = [row[0] for row in rows], [row[1] for row in rows]

    assert mae(truth, predicted) == pytest.approx(peer.mean_absolute_error(truth, predicted))
    assert rmse(truth, predicted) == pytest.approx(peer.root_mean_squared_error(truth, predicted))


def test_calibration_error_by_hand() -> None:
    """Bins of a tenth; a score of one belongs to the last."""
    truth, score = [0, 1, 1, 1, 0], [0.05, 0.05, 0.95, 1.0, 0.55]

    assert calibration_error(truth, score) == pytest.approx((2 * 0.45 + 2 * 0.025 + 0.55) / 5)
    assert calibration_error([0, 1] * 50, [0.5] * 100) == 0


def test_a_calibrated_score_has_little_calibration_error() -> None:
    """Truth drawn with the probability that the score says."""
    rng = np.random.default_rng(1)
    score = rng.random(50_000)

    assert calibration_error(rng.random(50_000) < score, score) < 0.01


def test_undefined_cases_are_nan() -> None:
    """One class only, nothing predicted, nothing to find."""
    assert math.isnan(auc([1, 1], [0.1, 0.2]))
    assert math.isnan(precision([0, 1], [0.1, 0.2]))
    assert math.isnan(recall([0, 0], [0.1, 0.9]))


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize(
    ("truth", "score"),
    [
        ([], []),
        ([0, 1], [0.5]),
        ([0, np.nan], [0.5, 0.5]),
        ([0, 1], ["a", "b"]),
        ([[0, 1]], [[0.5, 0.5]]),
        ([0, 1], [np.inf, 0.1]),
    ],
)
def test_rows_that_cannot_be_used_are_refused(name: str, truth: list[object], score: list[object]) -> None:
    """No rows, other lengths, missing values, texts, tables."""
    with pytest.raises(BadInput):
        METRICS[name].function(truth, score)


def test_truth_and_scores_out_of_range_are_refused() -> None:
    """A class 2 and a probability of 1.2 are mistakes, not measurements."""
    with pytest.raises(BadInput, match="0 and 1"):
        auc([0, 2], [0.1, 0.2])
    with pytest.raises(BadInput, match="outside"):
        brier([0, 1], [0.1, 1.2])
    assert auc([0, 1], [-3.0, 12.0]) == 1.0


def test_metrics_are_found_by_name() -> None:
    """With their direction; a near miss is told."""
    assert metric("auc").worse(0.5, than=0.6)
    assert not metric("brier").worse(0.1, than=0.2)
    assert not metric("brier").worse(math.nan, than=0.2)
    with pytest.raises(NotFound, match="Did you mean 'brier'"):
        metric("brierr")
