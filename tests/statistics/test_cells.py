"""Two profiles over the same cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcanvas.statistics import ColumnProfile, Profile
from stackcanvas.statistics.cells import MOST, paired


def column(values: Any) -> ColumnProfile:
    """The profile of one column."""
    return Profile.of({"x": values}).columns["x"]


@given(st.integers(0, 2**32), st.integers(1, 3000), st.integers(1, 3000))
def test_no_row_is_lost(seed: int, before: int, after: int) -> None:
    """Cells hold every row of both, nulls and NaN too."""
    rng = np.random.default_rng(seed)
    one = pa.array(rng.normal(size=before), mask=rng.random(before) < 0.1)
    two = np.where(rng.random(after) < 0.1, np.nan, rng.lognormal(size=after))
    cells = paired(column(one), column(two))

    assert cells.reference.sum() == before
    assert cells.current.sum() == after
    assert len(cells.labels) == len(cells.reference) <= MOST + 2


def test_cells_hold_even_shares_and_atoms_stand_alone() -> None:
    """Twenty cells of a smooth column; the zeros of a column of many zeros are one cell."""
    rng = np.random.default_rng(1)
    smooth = paired(column(rng.normal(size=10_000)), column(rng.normal(size=10_000)))
    zeros = paired(*(column(np.where(rng.random(9000) < 0.5, 0.0, rng.exponential(size=9000))) for _ in range(2)))

    assert len(smooth.labels) == MOST
    assert smooth.reference.max() / 10_000 < 0.08
    assert zeros.labels[0].startswith("0")
    assert zeros.reference[0] == pytest.approx(4500, rel=0.1)


def test_rare_cells_are_joined() -> None:
    """No cell is expected to hold fewer than five rows of the smaller sample."""
    before = column(np.array(["a"] * 500 + ["b"] * 490 + [f"rare {n}" for n in range(10)]))
    after = column(np.array(["a"] * 50 + ["b"] * 50))
    cells = paired(before, after)

    expected = (cells.reference + cells.current) * (100 / 1100)
    assert cells.labels == ["a", "b", "10 rare ones"]
    assert cells.rare
    assert (expected[:-1] >= 5).all()


def test_rare_categories_that_chance_brings_are_not_new() -> None:
    """With a thousand categories some always turn up first in the second sample; beyond that they count."""
    rng = np.random.default_rng(2)
    before = column(rng.choice(1000, 200).astype(str))
    chance = paired(before, column(rng.choice(1000, 200).astype(str)))
    real = paired(before, column(np.array([f"other {n}" for n in range(200)])))

    assert chance.new > 0.4
    assert "new ones" not in chance.labels
    assert real.new == 1.0


def test_kinds_without_order_are_compared_by_their_nulls() -> None:
    """Instants and lists: known against null."""
    known, missing = pa.array([1] * 100, pa.timestamp("us")), pa.array([1] * 60 + [None] * 40, pa.timestamp("us"))
    cells = paired(column(known), column(missing))

    assert cells.labels == ["a value", "missing"]
    assert cells.current.tolist() == [60, 40]
