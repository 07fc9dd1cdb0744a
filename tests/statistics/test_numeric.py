"""Profiles of columns of numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stackcanvas.statistics import NumericProfile

COLUMN = arrays(np.float64, st.integers(0, 40), elements=st.floats(width=64, min_value=-1e9, max_value=1e9))
SHARES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


def test_moments_and_extremes_are_those_of_numpy() -> None:
    """Counts, extremes, mean and deviation of a plain column."""
    values = np.random.default_rng(1).normal(10, 3, 1000)
    column = NumericProfile.of(values)

    assert (column.rows, column.finite, column.nulls) == (1000, 1000, 0)
    assert (column.minimum, column.maximum) == (values.min(), values.max())
    assert column.mean == pytest.approx(values.mean())
    assert column.std == pytest.approx(values.std(ddof=1))


def test_nan_infinity_and_null_are_counted_apart() -> None:
    """What is not a finite number enters neither moments nor histogram."""
    column = NumericProfile.of(np.array([1.0, np.nan, np.inf, -np.inf, 3.0]), rows=7)

    assert (column.nulls, column.nans, column.infinite, column.finite) == (2, 1, 2, 2)
    assert column.mean == 2.0
    assert column.bins.total == 2


def test_a_column_without_numbers_has_no_mean() -> None:
    """Nothing to tell is NaN, not zero, and merging with it changes nothing else."""
    empty = NumericProfile.of(np.array([np.nan]), rows=2)
    full = NumericProfile.of(np.array([1.0, 2.0]))

    assert all(math.isnan(value) for value in (empty.mean, empty.std, empty.quantile(0.5), empty.minimum))
    assert empty.merge(full).mean == full.merge(empty).mean == 1.5
    assert empty.merge(full) == full.merge(empty)


@given(COLUMN, COLUMN, COLUMN)
def test_merging_is_associative(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> None:
    """Counts, extremes and histogram exactly, moments to rounding."""
    a, b, c = (NumericProfile.of(part) for part in (first, second, third))
    left, right = a.merge(b).merge(c), a.merge(b.merge(c))
    whole = NumericProfile.of(np.concatenate((first, second, third)))

    for one in (left, right):
        assert one.bins == whole.bins
        assert (one.rows, one.finite) == (whole.rows, whole.finite)
        assert np.array_equal([one.minimum, one.maximum], [whole.minimum, whole.maximum], equal_nan=True)
        assert one.mean == pytest.approx(whole.mean, rel=1e-9, abs=1e-6, nan_ok=True)
        assert one.squares == pytest.approx(whole.squares, rel=1e-6, abs=1e-6)


def test_a_large_offset_keeps_the_deviation() -> None:
    """Sums of squares would lose everything here; joined differences do not."""
    values = 1e9 + np.random.default_rng(2).normal(0, 1, 10_000)
    merged = NumericProfile.of(values[:100])
    for part in np.split(values[100:], 99):
        merged = merged.merge(NumericProfile.of(part))

    assert merged.std == pytest.approx(values.std(ddof=1), rel=1e-6)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(size=50_000),
        lambda rng: rng.lognormal(0, 3, size=50_000),
        lambda rng: rng.standard_cauchy(size=50_000),
        lambda rng: 1e9 + rng.uniform(size=50_000),
        lambda rng: np.where(rng.random(50_000) < 0.6, 0.0, rng.exponential(size=50_000)),
        lambda rng: rng.integers(0, 2000, 50_000).astype(float),
    ],
    ids=["normal", "lognormal", "cauchy", "offset", "zeros", "integers"],
)
def test_quantiles_are_near_in_rank(draw: object) -> None:
    """Whatever the shape and scale, a quantile is off by less than a half per cent of the rows."""
    values = draw(np.random.default_rng(3))  # type: ignore[operator]
    ordered = np.sort(values)
    for share, found in zip(SHARES, NumericProfile.of(values).quantiles(SHARES), strict=True):
        low = np.searchsorted(ordered, found, side="left") / len(values)
        high = np.searchsorted(ordered, found, side="right") / len(values)
        assert low - 0.005 <= share <= high + 0.005


def test_few_different_numbers_are_kept_exactly() -> None:
    """Up to the most cells, quantiles are numbers of the column and the distinct count is known."""
    column = NumericProfile.of(np.repeat([0.1, 0.2, 7.0], [10, 80, 10]))

    assert column.quantiles([0.05, 0.5, 0.95]) == [0.1, 0.2, 7.0]
    assert column.distinct == 3
    assert NumericProfile.of(np.random.default_rng(4).normal(size=9999)).distinct is None


def test_extreme_numbers_do_no_harm() -> None:
    """The ends of the number line side by side: no overflow in cells, quantiles or merging."""
    biggest = np.finfo(np.float64).max
    column = NumericProfile.of(np.array([biggest, -biggest, 5e-324, 0.0, -0.0]))

    assert column.quantile(0.0) == -biggest
    assert column.quantile(1.0) == biggest
    assert column.merge(column).rows == 10
    assert NumericProfile.from_dict(column.to_dict()) == column
