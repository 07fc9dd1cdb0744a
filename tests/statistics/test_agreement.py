"""Agreement of people, held against the examples of those who invented the measures, and against a library."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from stackcanvas.statistics.agreement import cohen_kappa, fleiss_kappa, interval, jaccard, krippendorff_alpha

# Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, example C: four observers, twelve units.
_UNITS = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip
# Fleiss, "Measuring nominal scale agreement among many raters", 1971, as counts of ten subjects by fourteen raters.
_SUBJECTS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def test_the_examples_of_the_papers() -> None:
    """Alpha is 0.743 for names and 0.849 for numbers; Fleiss' kappa 0.210."""
    assert krippendorff_alpha(_UNITS) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(_UNITS, interval) == pytest.approx(0.849, abs=5e-4)
    items = [[value for value, count in enumerate(row) for _ in range(count)] for row in _SUBJECTS]
    assert fleiss_kappa(items) == pytest.approx(0.210, abs=5e-4)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=60))
def test_cohen_is_that_of_the_library(pairs: list[tuple[str, str]]) -> None:
    """Where it is defined."""
    values = {value for pair in pairs for value in pair}
    found = cohen_kappa(pairs)
    if len(values) == 1:
        assert math.isnan(found)
    elif not math.isnan(found):
        one, two = zip(*pairs, strict=True)
        assert found == pytest.approx(cohen_kappa_score(one, two))


@given(st.lists(st.lists(st.integers(0, 3), min_size=0, max_size=4), max_size=30))
def test_alpha_is_at_most_one(items: list[list[int]]) -> None:
    """It is one exactly where all agree and there is more than one value."""
    found = krippendorff_alpha(items)
    several = [values for values in items if len(values) > 1]
    agree = all(len(set(values)) == 1 for values in several)
    if len({value for values in several for value in values}) < 2:
        assert math.isnan(found)
    else:
        assert found <= 1
        assert (found == 1) == agree


def test_chance_is_zero() -> None:
    """People who answer at random agree no more than chance."""
    rng = np.random.default_rng(3)
    values = rng.integers(0, 3, (4000, 2)).tolist()
    assert krippendorff_alpha(values) == pytest.approx(0, abs=0.05)
    assert cohen_kappa([(one, two) for one, two in values]) == pytest.approx(0, abs=0.05)
    assert fleiss_kappa(values) == pytest.approx(0, abs=0.05)


def test_sets_are_apart_by_what_they_do_not_share() -> None:
    """Two sets that share most are nearer than two that share nothing."""
    near = krippendorff_alpha([[frozenset("ab"), frozenset("abc")], [frozenset("x"), frozenset("x")]], jaccard)
    far = krippendorff_alpha([[frozenset("ab"), frozenset("cd")], [frozenset("x"), frozenset("x")]], jaccard)
    assert 1 > near > far


def test_nothing_to_compare() -> None:
    """No item with two labels, or none at all."""
    assert math.isnan(krippendorff_alpha([[1], []]))
    assert math.isnan(fleiss_kappa([[1], []]))
    assert math.isnan(cohen_kappa([]))
