"""Tail probabilities and corrections, held against scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtrc, ndtri
from scipy.stats import hypergeom

from stackcanvas.statistics.chance import chi_square_tail, holm, hypergeometric_tail, normal_quantile


@given(st.floats(0, 5000), st.integers(1, 60))
def test_chi_square_agrees_with_scipy(value: float, freedom: int) -> None:
    """Far into the tail, for odd and even degrees of freedom."""
    assert chi_square_tail(value, freedom=freedom) == pytest.approx(float(chdtrc(freedom, value)), rel=1e-9, abs=1e-300)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 200), st.data())
def test_hypergeometric_tails_agree_with_scipy(marked: int, drawn: int, rest: int, data: st.DataObject) -> None:
    """Twice the tail away from the mean, at most one."""
    marked = min(marked, drawn + rest)
    found = data.draw(st.integers(max(0, marked - rest), min(marked, drawn)))
    peer = hypergeom(drawn + rest, marked, drawn)
    tail = peer.sf(found - 1) if found >= marked * drawn / (drawn + rest) else peer.cdf(found)

    own = hypergeometric_tail(found, marked=marked, drawn=drawn, rest=rest)
    assert own == pytest.approx(min(1.0, 2 * tail), rel=1e-6)


def test_far_tails_end_quickly() -> None:
    """A count that cannot be by chance, among millions."""
    assert hypergeometric_tail(10**6, marked=10**6, drawn=10**6, rest=10**6) == 0.0


@given(st.floats(1e-6, 1 - 1e-6))
def test_normal_quantile_agrees_with_scipy(share: float) -> None:
    """Over the whole range used for intervals."""
    assert normal_quantile(share) == pytest.approx(float(ndtri(share)), abs=1e-9)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: dict[str, float]) -> None:
    """Corrected values are larger, at most one, and sorted as before."""
    corrected = holm(p_values)

    assert all(p_values[name] <= corrected[name] <= 1 for name in p_values)
    names = sorted(p_values, key=lambda name: p_values[name])
    assert [corrected[name] for name in names] == sorted(corrected.values())
