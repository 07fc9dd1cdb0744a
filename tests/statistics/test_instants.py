"""Profiles of columns of instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stackcanvas.clock import to_us
from stackcanvas.statistics import InstantProfile

INSTANTS = arrays(np.int64, st.integers(0, 30), elements=st.integers(-(2**50), 2**51))
START = datetime(2013, 1, 1, tzinfo=UTC)


@given(INSTANTS, INSTANTS)
def test_merging_is_exact(first: np.ndarray, second: np.ndarray) -> None:
    """The profile of both is the profile of all rows, and what is written is what is read."""
    a, b = InstantProfile.of(first, rows=len(first)), InstantProfile.of(second, rows=len(second) + 1)
    both = np.concatenate((first, second))

    assert a.merge(b) == b.merge(a) == InstantProfile.of(both, rows=len(both) + 1)
    assert InstantProfile.from_dict(a.to_dict()) == a


def test_quantiles_are_instants_within_the_range() -> None:
    """Half of a year of minutes lies before its middle, to within an hour."""
    minutes = to_us(START) + np.arange(365 * 24 * 60, dtype=np.int64) * 60_000_000
    column = InstantProfile.of(minutes, rows=len(minutes))
    low, middle, high = column.quantiles([0, 0.5, 1])

    assert (low, column.minimum) == (START, START)
    assert high <= (column.maximum or START)
    assert abs(middle - (START + timedelta(days=182.5))) < timedelta(hours=1)


def test_no_instant_has_no_range() -> None:
    """Only nulls: no extremes, no quantiles."""
    column = InstantProfile.of(np.empty(0, np.int64), rows=3)

    assert (column.nulls, column.minimum, column.maximum, column.quantiles([0.5])) == (3, None, None, [])
